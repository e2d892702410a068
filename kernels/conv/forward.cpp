// Convolution forward on the CPU: chooses a rung of the ladder.
#include "kernels/conv/conv2d.h"

namespace tinct::cpu {

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  ref::conv2d(s, x, w, bias, activation, y);
}

}  // namespace tinct::cpu
