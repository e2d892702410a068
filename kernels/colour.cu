// Colour conversions on the GPU. Bound by memory: 24 bytes a pixel from float to float, 15 from
// bytes.
//
// A pixel is three numbers, so a thread that read its own would touch three times the sectors of
// its warp. A block's pixels pass through shared memory instead, in runs that are whole sectors; a
// stride of three has no bank conflicts.
#include "kernels/colour.h"

#include <stdexcept>
#include <string>

#include "kernels/colour_device.h"

namespace tinct::gpu {
namespace {

constexpr unsigned kThreads = 256;

// What full scale is stored as.
__device__ float widen(float v) {
  return v;
}
__device__ float widen(std::uint8_t v) {
  return static_cast<float>(v) / 255.0f;
}
__device__ float widen(std::uint16_t v) {
  return static_cast<float>(v) / 65535.0f;
}

// Fetches the block's kThreads pixels from `base` on, or what there is of them, into `tile`.
template <class T>
__device__ void fetch(std::size_t values, std::size_t base, const T* in, float* tile) {
  for (unsigned k = threadIdx.x; k < 3 * kThreads; k += kThreads) {
    if (base + k < values) tile[k] = widen(in[base + k]);
  }
}

// A thread converts a pixel of the tile, a grid of tiles apart.
template <class T, class Convert>
__global__ void convert_pixels(std::size_t values, Convert convert, const T* in, float* out) {
  __shared__ float tile[3 * kThreads];
  float* const mine = tile + 3 * threadIdx.x;
  for (std::size_t base = blockIdx.x * std::size_t{3 * kThreads}; base < values;
       base += gridDim.x * std::size_t{3 * kThreads}) {
    fetch(values, base, in, tile);
    __syncthreads();
    if (base + 3 * threadIdx.x < values) {
      const float3 v = convert(make_float3(mine[0], mine[1], mine[2]));
      mine[0] = v.x, mine[1] = v.y, mine[2] = v.z;
    }
    __syncthreads();
    for (unsigned k = threadIdx.x; k < 3 * kThreads; k += kThreads) {
      if (base + k < values) out[base + k] = tile[k];
    }
  }
}

// The L of three-channel pixels; a thread a pixel.
template <class T>
__global__ void lightness_of_colours(std::size_t n, const T* pixels, float* l) {
  __shared__ float tile[3 * kThreads];
  const float* const mine = tile + 3 * threadIdx.x;
  for (std::size_t first = blockIdx.x * std::size_t{kThreads}; first < n;
       first += gridDim.x * std::size_t{kThreads}) {
    fetch(3 * n, 3 * first, pixels, tile);
    __syncthreads();
    if (first + threadIdx.x < n) {
      const float3 light = colours::decode(make_float3(mine[0], mine[1], mine[2]));
      l[first + threadIdx.x] =
          colours::lightness_of(colours::root(colours::row_product<true, 1>(light)));
    }
    __syncthreads();
  }
}

template <class T>
__global__ void lightness_of_greys(std::size_t n, const T* pixels, float* l) {
  for (std::size_t i = first_item(); i < n; i += item_step()) {
    l[i] = colours::lightness_of(colours::root(colours::srgb_to_linear(widen(pixels[i]))));
  }
}

struct Decode {
  __device__ float operator()(float v) const { return colours::srgb_to_linear(v); }
};
struct Encode {
  __device__ float operator()(float v) const { return colours::linear_to_srgb(v); }
};

// A thread owns vectors of four, a grid apart; the last n % 4 go to one thread each.
template <class Op>
__global__ void map_values(std::size_t n, Op op, const float* in, float* out) {
  for (std::size_t i = first_item(); i < n / 4; i += item_step()) {
    const float4 v = reinterpret_cast<const float4*>(in)[i];
    reinterpret_cast<float4*>(out)[i] = make_float4(op(v.x), op(v.y), op(v.z), op(v.w));
  }
  const std::size_t last = n / 4 * 4 + first_item();
  if (last < n) out[last] = op(in[last]);
}

template <class Level>
__device__ Level level_of(float v, float most) {
  const float positive = v > 0 ? v : 0;  // false for NaN
  return static_cast<Level>(static_cast<int>((positive < 1 ? positive : 1) * most + .5f));
}

template <class Level, class Level4>
__global__ void to_levels(std::size_t n, float most, const float* values, Level* levels) {
  for (std::size_t i = first_item(); i < n / 4; i += item_step()) {
    const float4 v = reinterpret_cast<const float4*>(values)[i];
    Level4 four;
    four.x = level_of<Level>(v.x, most), four.y = level_of<Level>(v.y, most);
    four.z = level_of<Level>(v.z, most), four.w = level_of<Level>(v.w, most);
    reinterpret_cast<Level4*>(levels)[i] = four;
  }
  const std::size_t last = n / 4 * 4 + first_item();
  if (last < n) levels[last] = level_of<Level>(values[last], most);
}

template <class T, class Convert>
void run(std::size_t n, const Convert& convert, const T* in, float* out) {
  if (n == 0) return;
  launch(over(n, kThreads), convert_pixels<T, Convert>, 3 * n, convert, in, out);
}

template <class Op>
void run_map(std::size_t n, const Op& op, const float* in, float* out) {
  if (n == 0) return;
  launch(over(ceil_div<std::size_t>(n, 4)), map_values<Op>, n, op, in, out);
}

template <class T>
void run_lightness(std::size_t n, std::size_t channels, const T* pixels, float* l) {
  if (channels != 1 && channels != 3) {
    throw std::invalid_argument("lightness: " + std::to_string(channels) +
                                " channels, expected 1 or 3");
  }
  if (n == 0) return;
  if (channels == 1) {
    launch(over(n), lightness_of_greys<T>, n, pixels, l);
  } else {
    launch(over(n, kThreads), lightness_of_colours<T>, n, pixels, l);
  }
}

colours::ToDifferences to_differences(double b, double r, double neutral) {
  return {static_cast<float>(b), static_cast<float>(r), static_cast<float>(neutral)};
}
colours::FromDifferences from_differences(double b, double r, double neutral) {
  return {static_cast<float>(1 / b), static_cast<float>(1 / r), static_cast<float>(neutral)};
}

}  // namespace

void srgb_to_linear(std::size_t n, const float* encoded, float* light) {
  run_map(n, Decode{}, encoded, light);
}
void linear_to_srgb(std::size_t n, const float* light, float* encoded) {
  run_map(n, Encode{}, light, encoded);
}

void srgb_to_lab(std::size_t n, const float* rgb, float* lab) {
  run(n, colours::SrgbToLab{}, rgb, lab);
}
void lab_to_srgb(std::size_t n, const float* lab, float* rgb) {
  run(n, colours::LabToSrgb{}, lab, rgb);
}
void srgb_to_luv(std::size_t n, const float* rgb, float* luv) {
  run(n, colours::SrgbToLuv{}, rgb, luv);
}
void luv_to_srgb(std::size_t n, const float* luv, float* rgb) {
  run(n, colours::LuvToSrgb{}, luv, rgb);
}
void srgb_to_yuv(std::size_t n, const float* rgb, float* yuv) {
  run(n, to_differences(colour::yuv_u, colour::yuv_v, 0), rgb, yuv);
}
void yuv_to_srgb(std::size_t n, const float* yuv, float* rgb) {
  run(n, from_differences(colour::yuv_u, colour::yuv_v, 0), yuv, rgb);
}
void srgb_to_ycbcr(std::size_t n, const float* rgb, float* ycbcr) {
  run(n, to_differences(colour::ycbcr_b, colour::ycbcr_r, colour::ycbcr_neutral), rgb, ycbcr);
}
void ycbcr_to_srgb(std::size_t n, const float* ycbcr, float* rgb) {
  run(n, from_differences(colour::ycbcr_b, colour::ycbcr_r, colour::ycbcr_neutral), ycbcr, rgb);
}

void srgb_to_lab(std::size_t n, const std::uint8_t* rgb, float* lab) {
  run(n, colours::SrgbToLab{}, rgb, lab);
}
void srgb_to_lab(std::size_t n, const std::uint16_t* rgb, float* lab) {
  run(n, colours::SrgbToLab{}, rgb, lab);
}

void lightness(std::size_t n, std::size_t channels, const std::uint8_t* pixels, float* l) {
  run_lightness(n, channels, pixels, l);
}
void lightness(std::size_t n, std::size_t channels, const std::uint16_t* pixels, float* l) {
  run_lightness(n, channels, pixels, l);
}

void quantise(std::size_t n, const float* values, std::uint8_t* levels) {
  if (n == 0) return;
  launch(over(ceil_div<std::size_t>(n, 4)), to_levels<std::uint8_t, uchar4>, n, 255.0f, values,
         levels);
}
void quantise(std::size_t n, const float* values, std::uint16_t* levels) {
  if (n == 0) return;
  launch(over(ceil_div<std::size_t>(n, 4)), to_levels<std::uint16_t, ushort4>, n, 65535.0f, values,
         levels);
}

}  // namespace tinct::gpu
