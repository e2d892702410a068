// The mean of a penalty on the difference itself and on blurred copies of it: value and gradient in
// one pass.
#pragma once

#include <cstddef>
#include <vector>

#include "core/shape.h"
#include "kernels/gaussian_blur.h"

namespace tinct {

/// d = prediction - target; value = mean over {identity, taps...} of mean |G d|^2 (or |G d|);
/// gradient = the sum of G^T penalty'(G d), which needs G^T = G (kernels/gaussian_blur.h).
/// After Dahl, "Automatic Colorization", 2016, with his kernels normalised so that every scale
/// counts the same.
struct BlurredEuclidean {
  Shape shape;
  std::vector<std::vector<float>> taps;  ///< one list of an odd number of taps for each blur
  Border border = Border::symmetric;
  bool squared = true;  ///< false: mean |G d|, as Dahl's code
};

/// The standard deviation of Dahl's kernels: full width 3 at half maximum.
inline constexpr double kDahlSigma = 1.2739827004320285;

namespace ref {

/// prediction, target and gradient of loss.shape; gradient may be null.
double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient);

}  // namespace ref

namespace cpu {

double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient);

}  // namespace cpu

namespace gpu {

/// On device memory, loss.taps on the host. Waits for the result.
double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient);
/// The rungs below it: a kernel a step, for any number of taps and channels; one kernel, but every
/// row of a tile blurred down by itself.
double blurred_euclidean_composed(const BlurredEuclidean& loss, const float* prediction,
                                  const float* target, float* gradient);
double blurred_euclidean_tiles(const BlurredEuclidean& loss, const float* prediction,
                               const float* target, float* gradient);

}  // namespace gpu
}  // namespace tinct
