// The gradient of a convolution with respect to its input on the CPU.
#include "kernels/conv/conv2d.h"

namespace tinct::cpu {

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  ref::conv2d_backward_data(s, dy, w, dx);
}

}  // namespace tinct::cpu
