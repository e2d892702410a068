// The register tile of the weight gradient: sums over pixels of vectors times broadcast numbers.
// Include after hwy/foreach_target.h.
#include <cstddef>

#include "kernels/conv/weight_gradient_plan.h"

#if defined(TINCT_KERNELS_CONV_WEIGHT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_CONV_WEIGHT_TILE_INL_H_
#undef TINCT_KERNELS_CONV_WEIGHT_TILE_INL_H_
#else
#define TINCT_KERNELS_CONV_WEIGHT_TILE_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Sums held in registers, out of 32 or of 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kSums = 27;
constexpr int kRun = 8;
constexpr int kMaxRun = 9;
#else
constexpr int kSums = 12;
constexpr int kRun = 4;
constexpr int kMaxRun = 4;
#endif
constexpr int kMaxVectors = 6;

// The pixels that one call sums over, and how far the packed operands step, in numbers.
struct Walk {
  std::size_t images, rows, columns;
  std::size_t v_pixel, v_row, v_image;
  std::size_t b_pixel, b_row, b_image;
};

// out[j * out_row + slots[i].out ...] = (or +=) sum over pixels of v at slots[i] times b[j].
template <int kVectors, int kScalars>
void tile(const Walk& walk, const float* HWY_RESTRICT v, const VectorSlot* slots,
          const float* HWY_RESTRICT b, float* HWY_RESTRICT out, std::size_t out_row, bool add) {
  const D d;
  std::size_t offset[kVectors];
  V sum[kScalars][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kVectors; ++i) offset[i] = slots[i].offset;
#pragma GCC unroll 16
  for (int j = 0; j < kScalars; ++j) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) sum[j][i] = hn::Zero(d);
  }
  for (std::size_t image = 0; image < walk.images; ++image) {
    for (std::size_t row = 0; row < walk.rows; ++row) {
      const float* HWY_RESTRICT pv = v + image * walk.v_image + row * walk.v_row;
      const float* HWY_RESTRICT pb = b + image * walk.b_image + row * walk.b_row;
      for (std::size_t x = 0; x < walk.columns; ++x) {
        V vx[kVectors];
#pragma GCC unroll 16
        for (int i = 0; i < kVectors; ++i) vx[i] = hn::Load(d, pv + offset[i]);
#pragma GCC unroll 16
        for (int j = 0; j < kScalars; ++j) {
          const V bj = hn::Set(d, pb[j]);
#pragma GCC unroll 16
          for (int i = 0; i < kVectors; ++i) sum[j][i] = hn::MulAdd(vx[i], bj, sum[j][i]);
        }
        pv += walk.v_pixel;
        pb += walk.b_pixel;
      }
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < kScalars; ++j) {
#pragma GCC unroll 16
    for (int i = 0; i < kVectors; ++i) {
      float* p = out + j * out_row + slots[i].out;
      hn::StoreU(add ? hn::Add(sum[j][i], hn::LoadU(d, p)) : sum[j][i], d, p);
    }
  }
}

using Tile = void (*)(const Walk&, const float*, const VectorSlot*, const float*, float*,
                      std::size_t, bool);

template <int kScalars, int kVectors = 1>
Tile tile_of(std::size_t vectors) {
  if constexpr (kVectors < kMaxVectors && (kVectors + 1) * kScalars <= kSums) {
    if (vectors > kVectors) return tile_of<kScalars, kVectors + 1>(vectors);
  }
  return tile<kVectors, kScalars>;
}

// The tile for so many vectors and broadcasts; both must be within the limits above.
template <int kScalars = 1>
Tile find_tile(std::size_t vectors, std::size_t scalars) {
  if constexpr (kScalars < kMaxRun) {
    if (scalars > kScalars) return find_tile<kScalars + 1>(vectors, scalars);
  }
  return tile_of<kScalars>(vectors);
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // the include guard of each target
