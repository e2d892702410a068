// The gradient of a convolution with respect to its weights and bias on the CPU.
#include "kernels/conv/conv2d.h"

namespace tinct::cpu {

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db) {
  ref::conv2d_backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::cpu
