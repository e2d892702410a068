// Activations on the CPU.
#include "kernels/activation.h"

namespace tinct::cpu {

void activation(Activation kind, std::size_t count, const float* x, float* y, float slope) {
  ref::activation(kind, count, x, y, slope);
}

void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope) {
  ref::activation_backward(kind, count, y, dy, dx, slope);
}

}  // namespace tinct::cpu
