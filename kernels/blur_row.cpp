// One row of a separable blur: down the columns into a padded row, then along it. Shifting by a
// pixel is shifting by `channels` floats, so both loops run over floats and vectorise for any
// channel count.
#include "kernels/blur_row.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blur_row.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// y[i] = sum of weight[k] * source(k)[i] for i < count. source(k) may not be null.
template <class Source>
HWY_INLINE void weighted_rows(std::size_t count, std::size_t taps, const float* weight,
                              const Source& source, float* HWY_RESTRICT y) {
  const hn::ScalableTag<float> d;
  if (count < hn::Lanes(d)) {
    for (std::size_t i = 0; i < count; ++i) {
      y[i] = 0;
      for (std::size_t k = 0; k < taps; ++k) y[i] += weight[k] * source(k)[i];
    }
    return;
  }
  for_vectors(d, count, [&](std::size_t i) {
    auto sum = hn::Zero(d);
    for (std::size_t k = 0; k < taps; ++k) {
      sum = hn::MulAdd(hn::Set(d, weight[k]), hn::LoadU(d, source(k) + i), sum);
    }
    hn::StoreU(sum, d, y + i);
  });
}

void blur_columns(std::size_t count, std::size_t taps, const float* weight,
                  const float* const* rows, float* y) {
  weighted_rows(
      count, taps, weight, [=](std::size_t k) { return rows[k]; }, y);
}

void blur_along(std::size_t count, std::size_t taps, const float* weight, const float* padded,
                std::size_t channels, float* y) {
  weighted_rows(
      count, taps, weight, [=](std::size_t k) { return padded + k * channels; }, y);
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct {

HWY_EXPORT(blur_columns);
HWY_EXPORT(blur_along);

RowBlur::RowBlur(std::size_t width, std::size_t channels, const std::vector<float>& taps,
                 Border border)
    : width_(width),
      channels_(channels),
      taps_(taps),
      border_(border),
      padded_((width + 2 * radius()) * channels) {}

void RowBlur::operator()(const float* const* rows, float* y) {
  const std::size_t count = width_ * channels_;
  rows_.clear();
  weights_.clear();
  for (std::size_t k = 0; k < taps_.size(); ++k) {
    if (!rows[k]) continue;
    rows_.push_back(rows[k]);
    weights_.push_back(taps_[k]);
  }
  float* middle = padded_.data() + radius() * channels_;
  HWY_DYNAMIC_DISPATCH(blur_columns)(count, rows_.size(), weights_.data(), rows_.data(), middle);
  if (border_ == Border::symmetric) {  // else the margins keep their zeros
    for (std::size_t i = 0; i < radius(); ++i) {
      const std::size_t left = symmetric_index(-1 - static_cast<std::ptrdiff_t>(i), width_);
      const std::size_t right = symmetric_index(static_cast<std::ptrdiff_t>(width_ + i), width_);
      std::copy_n(middle + left * channels_, channels_,
                  padded_.data() + (radius() - 1 - i) * channels_);
      std::copy_n(middle + right * channels_, channels_, middle + count + i * channels_);
    }
  }
  HWY_DYNAMIC_DISPATCH(blur_along)
  (count, taps_.size(), taps_.data(), padded_.data(), channels_, y);
}

}  // namespace tinct
#endif
