// Losses that compare a prediction with a target element by element: value and gradient in one
// pass.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {

/// The penalty of one element, u = prediction - target.
enum class Penalty : std::uint8_t {
  l1,               ///< |u|
  l2,               ///< u^2
  huber,            ///< u^2/2 where |u| <= delta, else delta (|u| - delta/2)
  bce_with_logits,  ///< log(1 + e^p) - p t: cross-entropy of sigmoid(p) against t in [0, 1]
};

/// The mean over pixels * channels elements.
struct PixelLoss {
  Penalty penalty = Penalty::l2;
  std::size_t pixels = 0, channels = 1;
  float delta = 1;
};

namespace ref {

/// Returns the mean penalty, each element multiplied by its pixel's weight (null: 1), and writes
/// the gradient with respect to the prediction unless that is null. prediction, target, gradient
/// (pixels,channels); weight (pixels). The slope of |u| at 0 is 0.
double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient);

}  // namespace ref

namespace cpu {

double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. Waits for the result.
double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient);

}  // namespace gpu
}  // namespace tinct
