// The arithmetic of the colour conversions on the GPU, as kernels/colour.cpp has it: grey is
// neutral to the last bit.
#pragma once

#include "core/simt/simt.h"
#include "kernels/colour_matrix.h"

namespace tinct::gpu::colours {

/// A double of the tables as the float that kernels use.
#define TINCT_COLOUR(name, value) constexpr float name = static_cast<float>(value)

__device__ inline float srgb_to_linear(float encoded) {
  const float c = fmaxf(encoded, 0.0f);
  if (c <= .04045f) return c * (1 / 12.92f);
  return powf((c + .055f) * (1 / 1.055f), 2.4f);
}

__device__ inline float linear_to_srgb(float light) {
  const float c = fmaxf(light, 0.0f);
  if (c <= .0031308f) return c * 12.92f;
  return 1.055f * powf(c, 1 / 2.4f) - .055f;
}

/// f(t) of CIE 15 and its inverse.
__device__ inline float root(float t) {
  TINCT_COLOUR(foot, colour::foot);
  TINCT_COLOUR(slope, colour::foot_slope);
  TINCT_COLOUR(offset, colour::foot_offset);
  return t > foot ? cbrtf(t) : slope * t + offset;
}

__device__ inline float unroot(float f) {
  TINCT_COLOUR(foot, colour::foot_root);
  TINCT_COLOUR(slope, 1 / colour::foot_slope);
  TINCT_COLOUR(offset, colour::foot_offset);
  return f > foot ? f * f * f : (f - offset) * slope;
}

/// An entry of a matrix: nvcc calls no function of the host's library, even at compile time.
template <bool kToWhite, int kRow, int kColumn>
inline constexpr float entry = static_cast<float>((kToWhite ? colour::to_white
                                                            : colour::from_white)[kRow][kColumn]);

/// One row of a matrix whose rows sum to one: exactly y when x = y = z.
template <bool kToWhite, int kRow>
__device__ float row_product(const float3& v) {
  constexpr float first = entry<kToWhite, kRow, 0>, last = entry<kToWhite, kRow, 2>;
  return first * (v.x - v.y) + (last * (v.z - v.y) + v.y);
}

template <bool kToWhite>
__device__ float3 multiply(const float3& v) {
  return make_float3(row_product<kToWhite, 0>(v), row_product<kToWhite, 1>(v),
                     row_product<kToWhite, 2>(v));
}

__device__ inline float3 decode(const float3& v) {
  return make_float3(srgb_to_linear(v.x), srgb_to_linear(v.y), srgb_to_linear(v.z));
}
__device__ inline float3 encode(const float3& v) {
  return make_float3(linear_to_srgb(v.x), linear_to_srgb(v.y), linear_to_srgb(v.z));
}

__device__ inline float lightness_of(float fy) {
  return 116 * fy - 16;
}

struct SrgbToLab {
  __device__ float3 operator()(const float3& rgb) const {
    const float3 xyz = multiply<true>(decode(rgb));
    const float fx = root(xyz.x), fy = root(xyz.y), fz = root(xyz.z);
    return make_float3(lightness_of(fy), 500 * (fx - fy), 200 * (fy - fz));
  }
};

/// Linear light, where components outside 0..1 stay.
__device__ inline float3 lab_to_linear(const float3& lab) {
  const float fy = (lab.x + 16) * (1 / 116.0f);
  const float fx = lab.y * (1 / 500.0f) + fy, fz = fy - lab.z * (1 / 200.0f);
  return multiply<false>(make_float3(unroot(fx), unroot(fy), fmaxf(unroot(fz), 0.0f)));
}

struct LabToSrgb {
  __device__ float3 operator()(const float3& lab) const { return encode(lab_to_linear(lab)); }
};

/// u' - u'n and v' - v'n are formed from X' - Y' and Z' - Y', which vanish exactly for grey.
struct SrgbToLuv {
  __device__ float3 operator()(const float3& rgb) const {
    TINCT_COLOUR(white_x, colour::white_x);
    TINCT_COLOUR(white_z, 3 * colour::white_z);
    TINCT_COLOUR(white_d, colour::white_d);
    TINCT_COLOUR(ratio, colour::white_x / colour::white_d);
    const float3 v = multiply<true>(decode(rgb));
    const float dx = white_x * (v.x - v.y);
    const float dd = white_z * (v.z - v.y) + dx;
    const float d = fmaxf(white_d * v.y + dd, 1e-20f);
    const float l = lightness_of(root(v.y)), scale = 13 * l / d;
    return make_float3(l, scale * (4 * (dx - ratio * dd)), scale * (-9 / white_d * dd));
  }
};

struct LuvToSrgb {
  __device__ float3 operator()(const float3& luv) const {
    TINCT_COLOUR(white_x, colour::white_x);
    TINCT_COLOUR(white_z, colour::white_z);
    TINCT_COLOUR(white_v, colour::white_v);
    const float scale = 1 / fmaxf(13 * luv.x, 1e-6f);
    const float du = luv.y * scale;
    const float dv = fmaxf(luv.z * scale, 1e-3f - white_v);  // no colour lies near v' = 0
    const float light = unroot((luv.x + 16) * (1 / 116.0f));
    const float ratio = light / (4 * (dv + white_v));
    const float above_x = 9 * du - 4 * white_x * dv;
    const float above_z = 3 * du + (20 + 4 * white_z) * dv;
    return encode(multiply<false>(
        make_float3(light + ratio / white_x * above_x, light, light - ratio / white_z * above_z)));
  }
};

/// Y and two scaled differences: YUV and YCbCr.
struct ToDifferences {
  float scale_b, scale_r, neutral;
  __device__ float3 operator()(const float3& rgb) const {
    TINCT_COLOUR(luma_r, colour::luma_r);
    TINCT_COLOUR(luma_b, colour::luma_b);
    const float luma = luma_r * (rgb.x - rgb.y) + (luma_b * (rgb.z - rgb.y) + rgb.y);
    return make_float3(luma, scale_b * (rgb.z - luma) + neutral,
                       scale_r * (rgb.x - luma) + neutral);
  }
};

struct FromDifferences {
  float scale_b, scale_r, neutral;  // those of ToDifferences, the scales inverted
  __device__ float3 operator()(const float3& v) const {
    TINCT_COLOUR(share_r, colour::luma_r / (1 - colour::luma_r - colour::luma_b));
    TINCT_COLOUR(share_b, colour::luma_b / (1 - colour::luma_r - colour::luma_b));
    const float b = (v.y - neutral) * scale_b, r = (v.z - neutral) * scale_r;
    return make_float3(v.x + r, v.x - (share_r * r + share_b * b), v.x + b);
  }
};

#undef TINCT_COLOUR

}  // namespace tinct::gpu::colours
