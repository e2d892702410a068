// Element-by-element losses on the CPU.
#include "kernels/pixel_loss.h"

namespace tinct::cpu {

double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient) {
  return ref::pixel_loss(loss, prediction, target, weight, gradient);
}

}  // namespace tinct::cpu
