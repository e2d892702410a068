// Sums down the columns of a (rows, c) array, compiled once for each instruction set: include after
// hwy/foreach_target.h.
#if defined(TINCT_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_ROWS_INL_H_
#undef TINCT_KERNELS_ROWS_INL_H_
#else
#define TINCT_KERNELS_ROWS_INL_H_
#endif

#include "kernels/row_pattern.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// Calls f(at, size) for each strip of an array of `count` floats.
template <class F>
HWY_INLINE void for_each_strip(std::size_t count, std::size_t width, F&& f) {
  for (std::size_t at = 0; at < count; at += width) f(at, count - at < width ? count - at : width);
}

// sums[j] = the sum over i of accumulators[j + i c].
HWY_INLINE void fold(const RowPattern& pattern, const float* accumulators, double* sums) {
  for (std::size_t j = 0; j < pattern.c; ++j) sums[j] = 0;
  for (std::size_t i = 0; i < pattern.rows; ++i) {
    const float* row = accumulators + i * pattern.c;
    for (std::size_t j = 0; j < pattern.c; ++j) sums[j] += static_cast<double>(row[j]);
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
