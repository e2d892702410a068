// One row of a separable blur, shared by the blur and the losses that blur.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/gaussian_blur.h"

namespace tinct {

/// Blurs NHWC rows of `width` pixels of `channels`, one at a time, with a scratch row of its own.
class RowBlur {
 public:
  RowBlur(std::size_t width, std::size_t channels, const std::vector<float>& taps, Border border);

  /// y = the blur of the middle of rows[0..taps): a null row is zero.
  void operator()(const float* const* rows, float* y);

  std::size_t radius() const { return taps_.size() / 2; }

 private:
  std::size_t width_, channels_;
  const std::vector<float>& taps_;
  Border border_;
  std::vector<float> padded_;       ///< (width + 2 radius) pixels
  std::vector<const float*> rows_;  ///< those that are not zero,
  std::vector<float> weights_;      ///< and their taps
};

}  // namespace tinct
