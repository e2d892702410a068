// Gaussian blur, differentiable.
#pragma once

#include <cstddef>

#include "core/autograd.h"
#include "kernels/gaussian_blur.h"

namespace tinct {

struct GaussianBlurOptions {
  std::size_t size = 5;  ///< taps a side, odd
  double sigma = 1;      ///< pixels
  bool normalised = true;
  Border border = Border::symmetric;
};

/// Blurs each channel. Throws std::invalid_argument for an even size or a sigma that is not
/// positive.
Value gaussian_blur(const Value& x, const GaussianBlurOptions& options);

}  // namespace tinct
