// Colour conversions, vectorised over pixels.
#include "kernels/colour.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/colour.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "kernels/colour-inl.h"

#ifndef TINCT_COLOUR_ONCE
#define TINCT_COLOUR_ONCE
namespace tinct {

/// What `convert` does to pixels.
enum class Conversion {
  srgb_to_lab,
  lab_to_srgb,
  srgb_to_luv,
  luv_to_srgb,
  srgb_to_yuv,
  yuv_to_srgb,
  srgb_to_ycbcr,
  ycbcr_to_srgb,
  srgb_to_linear,
  linear_to_srgb,
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

using namespace colour;

HWY_INLINE void decode_pixel(Vector& x, Vector& y, Vector& z) {
  x = srgb_to_linear(x), y = srgb_to_linear(y), z = srgb_to_linear(z);
}

HWY_INLINE void encode_pixel(Vector& x, Vector& y, Vector& z) {
  x = linear_to_srgb(x), y = linear_to_srgb(y), z = linear_to_srgb(z);
}

HWY_INLINE Vector lightness_of(Vector fy) {
  return hn::MulSub(fy, constant(116), constant(16));
}

HWY_INLINE void srgb_to_lab(Vector& x, Vector& y, Vector& z) {
  decode_pixel(x, y, z);
  multiply(to_white, x, y, z);
  const Vector fx = root(x), fy = root(y), fz = root(z);
  x = lightness_of(fy);
  y = hn::Mul(constant(500), hn::Sub(fx, fy));
  z = hn::Mul(constant(200), hn::Sub(fy, fz));
}

HWY_INLINE void lab_to_srgb(Vector& x, Vector& y, Vector& z) {
  lab_to_linear(x, y, z);
  encode_pixel(x, y, z);
}

// u' - u'n and v' - v'n are formed from X' - Y' and Z' - Y', which vanish exactly for grey.
HWY_INLINE void srgb_to_luv(Vector& x, Vector& y, Vector& z) {
  decode_pixel(x, y, z);
  multiply(to_white, x, y, z);
  const Vector dx = hn::Mul(constant(white_x), hn::Sub(x, y));
  const Vector dd = hn::MulAdd(constant(3 * white_z), hn::Sub(z, y), dx);
  const Vector d = hn::Max(hn::MulAdd(constant(white_d), y, dd), constant(1e-20));
  const Vector l = lightness_of(root(y));
  const Vector scale = hn::Div(hn::Mul(constant(13), l), d);
  x = l;
  y = hn::Mul(scale, hn::Mul(constant(4), hn::NegMulAdd(constant(white_x / white_d), dd, dx)));
  z = hn::Mul(scale, hn::Mul(constant(-9 / white_d), dd));
}

HWY_INLINE void luv_to_srgb(Vector& x, Vector& y, Vector& z) {
  const Vector scale = hn::Div(constant(1), hn::Max(hn::Mul(constant(13), x), constant(1e-6)));
  const Vector du = hn::Mul(y, scale);
  // v' stays away from zero, where no colour lies.
  const Vector dv = hn::Max(hn::Mul(z, scale), constant(1e-3 - white_v));
  const Vector light = unroot(hn::Mul(hn::Add(x, constant(16)), constant(1.0 / 116)));
  const Vector ratio = hn::Div(light, hn::Mul(constant(4), hn::Add(dv, constant(white_v))));
  const Vector above_x = hn::NegMulAdd(constant(4 * white_x), dv, hn::Mul(constant(9), du));
  const Vector above_z = hn::MulAdd(constant(20 + 4 * white_z), dv, hn::Mul(constant(3), du));
  x = hn::MulAdd(hn::Mul(ratio, constant(1 / white_x)), above_x, light);
  z = hn::NegMulAdd(hn::Mul(ratio, constant(1 / white_z)), above_z, light);
  y = light;
  multiply(from_white, x, y, z);
  encode_pixel(x, y, z);
}

/// Y and two scaled differences: YUV and YCbCr.
HWY_INLINE void to_differences(double scale_b, double scale_r, double neutral, Vector& x, Vector& y,
                               Vector& z) {
  const Vector luma = row_product({luma_r, 0, luma_b}, x, y, z);
  const Vector b = hn::MulAdd(constant(scale_b), hn::Sub(z, luma), constant(neutral));
  const Vector r = hn::MulAdd(constant(scale_r), hn::Sub(x, luma), constant(neutral));
  x = luma, y = b, z = r;
}

HWY_INLINE void from_differences(double scale_b, double scale_r, double neutral, Vector& x,
                                 Vector& y, Vector& z) {
  const double luma_g = 1 - luma_r - luma_b;
  const Vector b = hn::Mul(hn::Sub(y, constant(neutral)), constant(1 / scale_b));
  const Vector r = hn::Mul(hn::Sub(z, constant(neutral)), constant(1 / scale_r));
  const Vector g = hn::MulAdd(constant(luma_r / luma_g), r, hn::Mul(constant(luma_b / luma_g), b));
  y = hn::Sub(x, g), z = hn::Add(x, b), x = hn::Add(x, r);
}

template <class Op>
HWY_INLINE void map_values(std::size_t n, const float* in, float* out, const Op& op) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(op(hn::LoadU(d, in + i)), d, out + i);
  if (i == n) return;
  HWY_ALIGN float rest[hn::MaxLanes(d)] = {};
  for (std::size_t k = i; k < n; ++k) rest[k - i] = in[k];
  hn::Store(op(hn::Load(d, rest)), d, rest);
  for (std::size_t k = i; k < n; ++k) out[k] = rest[k - i];
}

void convert(Conversion kind, std::size_t n, const float* in, float* out) {
  const auto pixels = [&](const auto& op) { map_pixels(n, in, out, op); };
  using V = Vector;
  switch (kind) {
    case Conversion::srgb_to_lab:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { srgb_to_lab(x, y, z); });
    case Conversion::lab_to_srgb:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { lab_to_srgb(x, y, z); });
    case Conversion::srgb_to_luv:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { srgb_to_luv(x, y, z); });
    case Conversion::luv_to_srgb:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { luv_to_srgb(x, y, z); });
    case Conversion::srgb_to_yuv:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { to_differences(yuv_u, yuv_v, 0, x, y, z); });
    case Conversion::yuv_to_srgb:
      return pixels([](V& x, V& y, V& z) HWY_ATTR { from_differences(yuv_u, yuv_v, 0, x, y, z); });
    case Conversion::srgb_to_ycbcr:
      return pixels([](V& x, V& y, V& z)
                        HWY_ATTR { to_differences(ycbcr_b, ycbcr_r, ycbcr_neutral, x, y, z); });
    case Conversion::ycbcr_to_srgb:
      return pixels([](V& x, V& y, V& z)
                        HWY_ATTR { from_differences(ycbcr_b, ycbcr_r, ycbcr_neutral, x, y, z); });
    case Conversion::srgb_to_linear:
      return map_values(n, in, out, [](V v) HWY_ATTR { return srgb_to_linear(v); });
    case Conversion::linear_to_srgb:
      return map_values(n, in, out, [](V v) HWY_ATTR { return linear_to_srgb(v); });
  }
}

/// L of n values of linear light.
void lightness(std::size_t n, const float* light, float* l) {
  map_values(n, light, l, [](Vector v) HWY_ATTR { return lightness_of(root(v)); });
}

/// Y / Yn of n linear pixels.
void luminance(std::size_t n, const float* rgb, float* y) {
  const float r = static_cast<float>(to_white[1][0]), b = static_cast<float>(to_white[1][2]);
  for (std::size_t i = 0; i < n; ++i) {
    const float g = rgb[3 * i + 1];
    y[i] = g + r * (rgb[3 * i] - g) + b * (rgb[3 * i + 2] - g);
  }
}

template <class Level>
void widen(std::size_t n, const Level* levels, float most, float* values) {
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(levels[i]) / most;
}
void widen8(std::size_t n, const std::uint8_t* levels, float* values) {
  widen(n, levels, 255, values);
}
void widen16(std::size_t n, const std::uint16_t* levels, float* values) {
  widen(n, levels, 65535, values);
}

template <class Level>
void narrow(std::size_t n, const float* values, float most, Level* levels) {
  for (std::size_t i = 0; i < n; ++i) {
    const float positive = values[i] > 0 ? values[i] : 0;  // false for NaN
    const float limited = positive < 1 ? positive : 1;
    // Cutting is rounding here, since nothing is negative; and unlike lround it vectorises.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    levels[i] = static_cast<Level>(static_cast<int>(limited * most + .5f));
  }
}
void narrow8(std::size_t n, const float* values, std::uint8_t* levels) {
  narrow(n, values, 255, levels);
}
void narrow16(std::size_t n, const float* values, std::uint16_t* levels) {
  narrow(n, values, 65535, levels);
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(convert);
HWY_EXPORT(lightness);
HWY_EXPORT(luminance);
HWY_EXPORT(widen8);
HWY_EXPORT(widen16);
HWY_EXPORT(narrow8);
HWY_EXPORT(narrow16);

// Work is cut every `block` pixels, so that which of them share a vector does not depend on the
// number of threads; three floats of each fit the first-level cache.
constexpr std::size_t block = 2048;

template <class Body>
void for_blocks(std::size_t n, const Body& body) {
  parallel_for((n + block - 1) / block, [&](std::size_t first, std::size_t last) {
    for (std::size_t b = first; b < last; ++b) body(b * block, std::min(block, n - b * block));
  });
}

void run(Conversion kind, std::size_t components, std::size_t n, const float* in, float* out) {
  for_blocks(n, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(convert)(kind, count, in + components * begin, out + components * begin);
  });
}

void widen(std::size_t n, const std::uint8_t* levels, float* values) {
  HWY_DYNAMIC_DISPATCH(widen8)(n, levels, values);
}
void widen(std::size_t n, const std::uint16_t* levels, float* values) {
  HWY_DYNAMIC_DISPATCH(widen16)(n, levels, values);
}

template <class Level>
void levels_to_lab(std::size_t n, const Level* rgb, float* lab) {
  for_blocks(n, [&](std::size_t begin, std::size_t count) {
    float* out = lab + 3 * begin;
    widen(3 * count, rgb + 3 * begin, out);
    HWY_DYNAMIC_DISPATCH(convert)(Conversion::srgb_to_lab, count, out, out);
  });
}

template <class Level>
void levels_to_lightness(std::size_t n, std::size_t channels, const Level* pixels, float* l) {
  if (channels != 1 && channels != 3) {
    throw std::invalid_argument("lightness: " + std::to_string(channels) +
                                " channels, expected 1 or 3");
  }
  for_blocks(n, [&](std::size_t begin, std::size_t count) {
    float light[3 * block];
    widen(channels * count, pixels + channels * begin, light);
    HWY_DYNAMIC_DISPATCH(convert)
    (Conversion::srgb_to_linear, channels * count, light, light);
    if (channels == 3) HWY_DYNAMIC_DISPATCH(luminance)(count, light, light);
    HWY_DYNAMIC_DISPATCH(lightness)(count, light, l + begin);
  });
}

}  // namespace

void srgb_to_linear(std::size_t n, const float* encoded, float* light) {
  run(Conversion::srgb_to_linear, 1, n, encoded, light);
}
void linear_to_srgb(std::size_t n, const float* light, float* encoded) {
  run(Conversion::linear_to_srgb, 1, n, light, encoded);
}
void srgb_to_lab(std::size_t n, const float* rgb, float* lab) {
  run(Conversion::srgb_to_lab, 3, n, rgb, lab);
}
void lab_to_srgb(std::size_t n, const float* lab, float* rgb) {
  run(Conversion::lab_to_srgb, 3, n, lab, rgb);
}
void srgb_to_luv(std::size_t n, const float* rgb, float* luv) {
  run(Conversion::srgb_to_luv, 3, n, rgb, luv);
}
void luv_to_srgb(std::size_t n, const float* luv, float* rgb) {
  run(Conversion::luv_to_srgb, 3, n, luv, rgb);
}
void srgb_to_yuv(std::size_t n, const float* rgb, float* yuv) {
  run(Conversion::srgb_to_yuv, 3, n, rgb, yuv);
}
void yuv_to_srgb(std::size_t n, const float* yuv, float* rgb) {
  run(Conversion::yuv_to_srgb, 3, n, yuv, rgb);
}
void srgb_to_ycbcr(std::size_t n, const float* rgb, float* ycbcr) {
  run(Conversion::srgb_to_ycbcr, 3, n, rgb, ycbcr);
}
void ycbcr_to_srgb(std::size_t n, const float* ycbcr, float* rgb) {
  run(Conversion::ycbcr_to_srgb, 3, n, ycbcr, rgb);
}

void srgb_to_lab(std::size_t n, const std::uint8_t* rgb, float* lab) {
  levels_to_lab(n, rgb, lab);
}
void srgb_to_lab(std::size_t n, const std::uint16_t* rgb, float* lab) {
  levels_to_lab(n, rgb, lab);
}

void lightness(std::size_t n, std::size_t channels, const std::uint8_t* pixels, float* l) {
  levels_to_lightness(n, channels, pixels, l);
}
void lightness(std::size_t n, std::size_t channels, const std::uint16_t* pixels, float* l) {
  levels_to_lightness(n, channels, pixels, l);
}

void quantise(std::size_t n, const float* values, std::uint8_t* levels) {
  for_blocks(n, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(narrow8)(count, values + begin, levels + begin);
  });
}
void quantise(std::size_t n, const float* values, std::uint16_t* levels) {
  for_blocks(n, [&](std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(narrow16)(count, values + begin, levels + begin);
  });
}

}  // namespace tinct::cpu
#endif
