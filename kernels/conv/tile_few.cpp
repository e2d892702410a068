// Register tiles for one to four output channels: vectors of inputs, summed across at the end.
#include <hwy/cache_control.h>

#include <algorithm>

#include "kernels/conv/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/tile_few.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Pixels by channels: sums, weights and an input fit the registers.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::size_t kPixels[] = {0, 14, 12, 8, 6};
#else
constexpr std::size_t kPixels[] = {0, 12, 6, 4, 2};
#endif

// Without this g++ loads an input again for each of its multiply-adds, and the load ports bind.
HWY_INLINE void keep_in_register(V& v) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  asm("" : "+v"(v.raw));
#else
  (void)v;
#endif
}

// total[i] = the sum of the lanes of v[i].
template <std::size_t kCount>
HWY_INLINE void sum_lanes(const V (&v)[kCount], float* total) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < kCount; ++i) total[i] = hn::GetLane(v[i]);
#else
  // Four at a time, so that a transposition does half of the work: per block of four lanes first
  // a b c d, then over the blocks.
  const D d;
  const hn::Repartition<double, D> d64;
  const hn::FixedTag<float, 4> block;
  for (std::size_t i = 0; i < kCount; i += 4) {
    const V zero = hn::Zero(d);
    const V a = v[i];
    const V b = i + 1 < kCount ? v[i + 1] : zero;
    const V c = i + 2 < kCount ? v[i + 2] : zero;
    const V e = i + 3 < kCount ? v[i + 3] : zero;
    const auto ab =
        hn::BitCast(d64, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
    const auto ce =
        hn::BitCast(d64, hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e)));
    const V sums = hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, ab, ce)),
                           hn::BitCast(d, hn::InterleaveUpper(d64, ab, ce)));
#if HWY_TARGET <= HWY_AVX3
    const hn::Half<D> half;
    const hn::Half<decltype(half)> quarter;
    const auto two = hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums));
    hn::StoreU(hn::Add(hn::LowerHalf(quarter, two), hn::UpperHalf(quarter, two)), block, total + i);
#elif HWY_TARGET <= HWY_AVX2
    const hn::Half<D> half;
    hn::StoreU(hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)), block, total + i);
#else
    hn::StoreU(sums, block, total + i);
#endif
  }
#endif
}

// Pixels that follow each other without a gap, no activation: four numbers at a time, as sum_lanes
// stored them, since a wider load would wait until those stores are in the cache.
template <std::size_t kChannels, std::size_t kCount>
HWY_INLINE void store_dense(const Tile& t, [[maybe_unused]] const float* biases,
                            const float* total) {
  constexpr std::size_t kNumbers = kChannels * kCount;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
#pragma GCC unroll 8
  for (; i + 4 <= kNumbers; i += 4) {
    const auto from = hn::LoadU(d, t.bias ? biases + i % (4 * kChannels) : t.y + i);
    hn::StoreU(hn::Add(hn::Load(d, total + i), from), d, t.y + i);
  }
#endif
  for (; i < kNumbers; ++i) t.y[i] = total[i] + (t.bias ? t.bias[i % kChannels] : t.y[i]);
}

template <std::size_t kChannels, std::size_t kCount>
HWY_INLINE void store_totals(const Tile& t, const float* biases, const float* total) {
  if (t.y_pixel == kChannels && t.activation == Activation::none) {
    store_dense<kChannels, kCount>(t, biases, total);
    return;
  }
  for (std::size_t p = 0; p < kCount; ++p) {
    for (std::size_t k = 0; k < kChannels; ++k) {
      float* y = t.y + p * t.y_pixel + k;
      float v = total[p * kChannels + k] + (t.bias ? t.bias[k] : *y);
      if (t.activation == Activation::relu) {
        v = v < 0 ? 0 : v;
      } else if (t.activation == Activation::leaky_relu) {
        v = v < 0 ? kLeakySlope * v : v;
      }
      *y = v;
    }
  }
}

template <std::size_t kChannels, std::size_t kCount>
HWY_INLINE void tile(const Tile& t, const float* biases) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kCount * kChannels];
#pragma GCC unroll 32
  for (V& v : sum) v = hn::Zero(d);
  const std::size_t vectors = (t.run + lanes - 1) / lanes;
  for (std::size_t row = 0; row < t.rows; ++row) {
    for (std::size_t tap = 0; tap < t.taps; ++tap) {
      const float* HWY_RESTRICT x = t.x + row * t.x_row + tap * t.x_tap;
      const float* HWY_RESTRICT w = t.w + row * t.w_row + tap * t.w_tap;
      for (std::size_t i = 0; i < vectors; ++i) {
        const float* from = x + std::min(i * lanes, t.run - lanes);
        V weight[kChannels];
        for (std::size_t k = 0; k < kChannels; ++k) weight[k] = hn::Load(d, w + k * lanes);
        w += kChannels * lanes;
#pragma GCC unroll 16
        for (std::size_t p = 0; p < kCount; ++p) {
          V input = hn::LoadU(d, from + p * t.x_pixel);
          keep_in_register(input);
          hwy::Prefetch(from + (p + kCount) * t.x_pixel);  // for the next tile
          for (std::size_t k = 0; k < kChannels; ++k) {
            V& s = sum[p * kChannels + k];
            s = hn::MulAdd(input, weight[k], s);
          }
        }
      }
    }
  }
  HWY_ALIGN float total[kCount * kChannels + 3];
  sum_lanes(sum, total);
  store_totals<kChannels, kCount>(t, biases, total);
}

template <std::size_t kChannels, std::size_t kCount>
void tiles(Tile t) {
  // Four pixels' worth: wherever four numbers of a row of pixels begin, theirs lie here together.
  float biases[4 * kChannels] = {};
  for (std::size_t i = 0; t.bias && i < 4 * kChannels; ++i) biases[i] = t.bias[i % kChannels];
  for (std::size_t i = 0; i < t.count; ++i, t.advance(kCount)) tile<kChannels, kCount>(t, biases);
}

template <std::size_t kChannels, std::size_t kCount>
void add_kernels(TileKernels& kernels) {
  kernels.kernel[kChannels][kCount] = tiles<kChannels, kCount>;
  if constexpr (kCount > 1) add_kernels<kChannels, kCount - 1>(kernels);
}

TileKernels make_few_kernels() {
  TileKernels kernels;
  kernels.lanes = hn::Lanes(D());
  kernels.unit = 1;
  kernels.widths = 4;
  kernels.vector_of_inputs = true;
  for (std::size_t k = 1; k <= 4; ++k) kernels.pixels[k] = kPixels[k];
  add_kernels<1, kPixels[1]>(kernels);
  add_kernels<2, kPixels[2]>(kernels);
  add_kernels<3, kPixels[3]>(kernels);
  add_kernels<4, kPixels[4]>(kernels);
  return kernels;
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::conv {

HWY_EXPORT(make_few_kernels);

const TileKernels& few_channel_kernels() {
  static const TileKernels kernels = HWY_DYNAMIC_DISPATCH(make_few_kernels)();
  return kernels;
}

}  // namespace tinct::conv
#endif  // HWY_ONCE
