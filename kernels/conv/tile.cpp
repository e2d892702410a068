// Register tiles over output channels.
//
// With 32 registers: 14 pixels x 2 vectors = 28 sums, 2 weights, 1 broadcast input. Each step loads
// 2 vectors of weights and broadcasts 14 inputs for 28 multiply-adds, so neither load port nor the
// second-level cache, which streams the weights, is near its limit. With 16 registers: 6 x 2.
#include "kernels/conv/tile.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/tile.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kPixels = 14;
#else
constexpr std::size_t kPixels = 6;
#endif

// The loops over pixels are unrolled so that the sums never leave the registers: an index that is
// known only at run time would put them in memory.
template <std::size_t kVectors, std::size_t kCount>
HWY_INLINE void load_sums(const Tile& t, V (&sum)[kCount][kVectors]) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const float* HWY_RESTRICT y = t.y;
  const std::size_t stride = t.y_pixel;
  const std::size_t channels = t.channels;
  if (t.bias) {
    V bias[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) bias[v] = hn::LoadU(d, t.bias + v * lanes);
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p) {
      for (std::size_t v = 0; v < kVectors; ++v) sum[p][v] = bias[v];
    }
  } else if (channels == kVectors * lanes) {
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p, y += stride) {
      for (std::size_t v = 0; v < kVectors; ++v) sum[p][v] = hn::LoadU(d, y + v * lanes);
    }
  } else {
    HWY_ALIGN float buffer[kVectors * HWY_LANES(float)] = {};
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p, y += stride) {
      std::copy_n(y, channels, buffer);
      for (std::size_t v = 0; v < kVectors; ++v) sum[p][v] = hn::Load(d, buffer + v * lanes);
    }
  }
}

template <std::size_t kVectors, std::size_t kCount>
HWY_INLINE void store_sums(const Tile& t, V (&sum)[kCount][kVectors]) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  float* HWY_RESTRICT y = t.y;
  const std::size_t stride = t.y_pixel;
  const std::size_t channels = t.channels;
  if (t.activation == Activation::relu) {
    // Max gives its second argument where either is NaN: NaN stays NaN.
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p) {
      for (V& v : sum[p]) v = hn::Max(hn::Zero(d), v);
    }
  } else if (t.activation == Activation::leaky_relu) {
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p) {
      for (V& v : sum[p]) v = hn::Max(hn::Mul(v, hn::Set(d, kLeakySlope)), v);
    }
  }
  if (channels == kVectors * lanes) {
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p, y += stride) {
      for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum[p][v], d, y + v * lanes);
    }
  } else {
    HWY_ALIGN float buffer[kVectors * HWY_LANES(float)];
#pragma GCC unroll 16
    for (std::size_t p = 0; p < kCount; ++p, y += stride) {
      for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sum[p][v], d, buffer + v * lanes);
      std::copy_n(buffer, channels, y);
    }
  }
}

// Three pixels share a pointer: x86 addresses reach one and two strides from it, so that the
// pointers of fourteen pixels stay in registers.
template <std::size_t kVectors, std::size_t kCount>
HWY_INLINE void tile(const Tile& t) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kCount][kVectors];
  load_sums<kVectors, kCount>(t, sum);
  const std::size_t stride = t.x_pixel;
  constexpr std::size_t kPointers = (kCount + 2) / 3;
  for (std::size_t row = 0; row < t.rows; ++row) {
    for (std::size_t tap = 0; tap < t.taps; ++tap) {
      const float* HWY_RESTRICT w = t.w + row * t.w_row + tap * t.w_tap;
      const float* HWY_RESTRICT x[kPointers];
      for (std::size_t i = 0; i < kPointers; ++i) {
        x[i] = t.x + row * t.x_row + tap * t.x_tap + 3 * i * stride;
      }
      // Counting and moving pointers take slots that the other thread of a core could use.
#pragma GCC unroll 4
      for (std::size_t step = 0; step < t.run; ++step) {
        V weight[kVectors];
        for (std::size_t v = 0; v < kVectors; ++v) weight[v] = hn::Load(d, w + v * lanes);
        w += kVectors * lanes;
#pragma GCC unroll 16
        for (std::size_t p = 0; p < kCount; ++p) {
          const V input = hn::Set(d, x[p / 3][p % 3 * stride]);
          for (std::size_t v = 0; v < kVectors; ++v) {
            sum[p][v] = hn::MulAdd(input, weight[v], sum[p][v]);
          }
        }
        for (std::size_t i = 0; i < kPointers; ++i) ++x[i];
      }
    }
  }
  store_sums<kVectors, kCount>(t, sum);
}

template <std::size_t kVectors, std::size_t kCount>
void tiles(Tile t) {
  for (std::size_t i = 0; i < t.count; ++i, t.advance(kCount)) tile<kVectors, kCount>(t);
}

template <std::size_t kCount>
void add_kernels(TileKernels& kernels) {
  kernels.kernel[1][kCount] = tiles<1, kCount>;
  kernels.kernel[2][kCount] = tiles<2, kCount>;
  if constexpr (kCount > 1) add_kernels<kCount - 1>(kernels);
}

TileKernels make_kernels() {
  TileKernels kernels;
  kernels.lanes = kernels.unit = hn::Lanes(D());
  kernels.widths = 2;
  kernels.pixels[1] = kernels.pixels[2] = kPixels;
  add_kernels<kPixels>(kernels);
  return kernels;
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::conv {

HWY_EXPORT(make_kernels);

const TileKernels& many_channel_kernels() {
  static const TileKernels kernels = HWY_DYNAMIC_DISPATCH(make_kernels)();
  return kernels;
}

}  // namespace tinct::conv
#endif  // HWY_ONCE
