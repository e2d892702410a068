// The loss of Dahl's colorizer as his code computes it.
// Source: Ryan Dahl, "Automatic Colorization", 2016 (tinyclouds.org/colorize), the training script;
// docs/dahl.md says what is odd about it.
#pragma once

#include "core/autograd.h"

namespace tinct {

/// The mean of three mean absolute differences between the chroma of two pictures: sharp, and
/// after blurring the RGB pictures with 3x3 and 5x5 Gaussian kernels that are not normalised (they
/// sum to 6.10 and 9.32) under zero padding. `chroma` (n,h,w,2) are Cb and Cr in 0..1; with `luma`
/// (n,h,w,1) they make the predicted picture; `rgb` (n,h,w,3) in 0..1 is the true one. Colours are
/// clipped to 0..1 after each conversion, and no gradient passes where they are. A scalar. Throws
/// std::invalid_argument when the shapes do not fit.
Value dahl_loss(const Value& chroma, const Tensor& luma, const Tensor& rgb);

}  // namespace tinct
