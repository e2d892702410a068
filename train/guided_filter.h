// Edge-aware enlargement: the guided filter of He, Sun and Tang (2013) in the subsampled form of He
// and Sun (2015, "Fast Guided Filter").
#pragma once

#include <cstddef>

#include "core/tensor.h"

namespace tinct {

struct GuidedFilterOptions {
  std::size_t radius = 2;  ///< of the box, in pixels of the small picture
  float epsilon = 4;       ///< added to the variance of the guide, in its units squared
};

/// Around every pixel of the small picture, value = slope * guide + offset. guide (1,h,w,1), values
/// (1,h,w,c) to (1,h,w,2c): the slopes of all channels, then the offsets. Throws
/// std::invalid_argument when shapes disagree.
Tensor fit_lines(const Tensor& guide, const Tensor& values,
                 const GuidedFilterOptions& options = {});

/// One row of slope * guide + offset, with the lines enlarged bilinearly to height x width: guide
/// (width), out (width, c).
void apply_lines(const Tensor& lines, std::size_t height, std::size_t width, std::size_t row,
                 const float* guide, float* out);

}  // namespace tinct
