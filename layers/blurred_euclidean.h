// Dahl's loss: the difference of two pictures, sharp and blurred twice.
#pragma once

#include <cstddef>
#include <vector>

#include "core/autograd.h"
#include "kernels/blurred_euclidean.h"

namespace tinct {

struct BlurredEuclideanOptions {
  std::vector<std::size_t> sizes = {3, 5};  ///< taps a side of each blur, odd
  double sigma = kDahlSigma;
  bool normalised = true;
  Border border = Border::symmetric;
  bool squared = true;  ///< false: mean |d|, what Dahl's code computes
};

/// The mean over {sharp, blurs...} of the mean squared difference, a scalar. Throws
/// std::invalid_argument when the shapes differ or an option cannot be.
Value blurred_euclidean(const Value& prediction, const Tensor& target,
                        const BlurredEuclideanOptions& options = {});

}  // namespace tinct
