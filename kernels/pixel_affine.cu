// Small matrices over pixels, on the GPU. Bound by memory: 4 bytes a component. Pixels of three
// components go through shared memory, so that device memory sees whole sectors.
#include "core/simt/simt.h"
#include "kernels/pixel_affine.h"

namespace tinct::gpu {
namespace {

// PixelAffine as kernels take it; what is beyond `in` and `out` is zero.
struct Map {
  float factor[3][3];
  float shift[3];
};

Map map_of(const PixelAffine& from) {
  Map map{};
  for (std::size_t o = 0; o < from.out; ++o) {
    map.shift[o] = from.shift[o];
    for (std::size_t i = 0; i < from.in; ++i) map.factor[o][i] = from.factor[o][i];
  }
  return map;
}

constexpr int kTile = 256;  // pixels that a block takes at a time, one a thread

// This thread's pixel of the `count` from `begin` on. Pairs are loaded as pairs; of three
// components lanes load neighbours, and find their own 3 apart in `tile`, each in a bank of its
// own.
template <int kC>
__device__ __forceinline__ void fetch(const float* x, std::size_t begin, int count, float* tile,
                                      float (&v)[kC]) {
  const int t = static_cast<int>(threadIdx.x);
  if constexpr (kC == 2) {
    if (t >= count) return;
    const float2 pair = reinterpret_cast<const float2*>(x)[begin + t];
    v[0] = pair.x, v[1] = pair.y;
  } else {
    __syncthreads();  // whoever still reads the tile
    for (int i = t; i < kC * count; i += kTile) tile[i] = x[begin * kC + i];
    __syncthreads();
    if (t >= count) return;
    for (int k = 0; k < kC; ++k) v[k] = tile[t * kC + k];
  }
}

// The way back.
template <int kC>
__device__ __forceinline__ void emit(const float (&v)[kC], std::size_t begin, int count,
                                     float* tile, float* y) {
  const int t = static_cast<int>(threadIdx.x);
  if constexpr (kC == 2) {
    if (t < count) reinterpret_cast<float2*>(y)[begin + t] = make_float2(v[0], v[1]);
  } else {
    __syncthreads();
    if (t < count) {
      for (int k = 0; k < kC; ++k) tile[t * kC + k] = v[k];
    }
    __syncthreads();
    for (int i = t; i < kC * count; i += kTile) y[begin * kC + i] = tile[i];
  }
}

// Calls f(first pixel, pixels) for the tiles of this block.
template <class F>
__device__ __forceinline__ void for_each_tile(std::size_t pixels, F&& f) {
  const std::size_t step = std::size_t{gridDim.x} * kTile;
  for (std::size_t begin = std::size_t{blockIdx.x} * kTile; begin < pixels; begin += step) {
    f(begin, static_cast<int>(min(pixels - begin, std::size_t{kTile})));
  }
}

template <int kIn, int kOut, bool kClip>
__global__ void forward(Map map, std::size_t pixels, const float* x, const float* added, float* y) {
  __shared__ float tile[3 * kTile];
  for_each_tile(pixels, [&](std::size_t begin, int count) {
    float in[kIn] = {}, out[kOut];
    fetch(x, begin, count, tile, in);
    const bool mine = static_cast<int>(threadIdx.x) < count;
    const float base = added != nullptr && mine ? added[begin + threadIdx.x] : 0;
    for (int o = 0; o < kOut; ++o) {
      float sum = map.shift[o] + base;
      for (int i = 0; i < kIn; ++i) sum += map.factor[o][i] * in[i];
      out[o] = !kClip ? sum : sum < 0 ? 0 : sum > 1 ? 1 : sum;  // NaN stays
    }
    emit(out, begin, count, tile, y);
  });
}

template <int kIn, int kOut, bool kClip>
__global__ void backward(Map map, std::size_t pixels, const float* y, const float* dy, float* dx) {
  __shared__ float tile[3 * kTile];
  for_each_tile(pixels, [&](std::size_t begin, int count) {
    float g[kOut] = {}, value[kOut] = {}, d[kIn];
    fetch(dy, begin, count, tile, g);
    if constexpr (kClip) fetch(y, begin, count, tile, value);
    for (int o = 0; o < kOut; ++o) {
      if (kClip && !(value[o] > 0 && value[o] < 1)) g[o] = 0;
    }
    for (int i = 0; i < kIn; ++i) {
      d[i] = 0;
      for (int o = 0; o < kOut; ++o) d[i] += map.factor[o][i] * g[o];
    }
    emit(d, begin, count, tile, dx);
  });
}

// The extents, two or three each, and the clipping as compile-time constants.
template <class F>
void with_map(const PixelAffine& map, F&& f) {
  const auto with_out = [&]<int kIn>() {
    if (map.out == 3) {
      map.clip ? f.template operator()<kIn, 3, true>() : f.template operator()<kIn, 3, false>();
    } else {
      map.clip ? f.template operator()<kIn, 2, true>() : f.template operator()<kIn, 2, false>();
    }
  };
  map.in == 3 ? with_out.template operator()<3>() : with_out.template operator()<2>();
}

}  // namespace

void pixel_affine(const PixelAffine& map, std::size_t pixels, const float* x, const float* added,
                  float* y) {
  if (pixels == 0) return;
  with_map(map, [&]<int kIn, int kOut, bool kClip>() {
    launch(over(pixels, kTile), forward<kIn, kOut, kClip>, map_of(map), pixels, x, added, y);
  });
}

void pixel_affine_backward(const PixelAffine& map, std::size_t pixels, const float* y,
                           const float* dy, float* dx) {
  if (pixels == 0) return;
  with_map(map, [&]<int kIn, int kOut, bool kClip>() {
    launch(over(pixels, kTile), backward<kIn, kOut, kClip>, map_of(map), pixels, y, dy, dx);
  });
}

}  // namespace tinct::gpu
