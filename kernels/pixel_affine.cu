// Small matrices over pixels, on the GPU. Bound by memory: a thread owns a pixel, and the lines
// that a warp's strided loads share stay in the first cache.
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

template <int kIn, int kOut, bool kClip>
__global__ void forward(Map map, std::size_t pixels, const float* x, const float* added, float* y) {
  for (std::size_t p = first_item(); p < pixels; p += item_step()) {
    float in[kIn];
    for (int i = 0; i < kIn; ++i) in[i] = x[p * kIn + i];
    const float base = added != nullptr ? added[p] : 0;
    for (int o = 0; o < kOut; ++o) {
      float sum = map.shift[o] + base;
      for (int i = 0; i < kIn; ++i) sum += map.factor[o][i] * in[i];
      if (kClip) sum = sum < 0 ? 0 : sum > 1 ? 1 : sum;  // NaN stays
      y[p * kOut + o] = sum;
    }
  }
}

template <int kIn, int kOut, bool kClip>
__global__ void backward(Map map, std::size_t pixels, const float* y, const float* dy, float* dx) {
  for (std::size_t p = first_item(); p < pixels; p += item_step()) {
    float g[kOut];
    for (int o = 0; o < kOut; ++o) {
      g[o] = dy[p * kOut + o];
      if (kClip) {
        const float value = y[p * kOut + o];
        if (!(value > 0 && value < 1)) g[o] = 0;
      }
    }
    for (int i = 0; i < kIn; ++i) {
      float sum = 0;
      for (int o = 0; o < kOut; ++o) sum += map.factor[o][i] * g[o];
      dx[p * kIn + i] = sum;
    }
  }
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
    launch(over(pixels), forward<kIn, kOut, kClip>, map_of(map), pixels, x, added, y);
  });
}

void pixel_affine_backward(const PixelAffine& map, std::size_t pixels, const float* y,
                           const float* dy, float* dx) {
  if (pixels == 0) return;
  with_map(map, [&]<int kIn, int kOut, bool kClip>() {
    launch(over(pixels), backward<kIn, kOut, kClip>, map_of(map), pixels, y, dy, dx);
  });
}

}  // namespace tinct::gpu
