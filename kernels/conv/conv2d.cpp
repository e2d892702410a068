// Convolution on the CPU.
#include "kernels/conv/conv2d.h"

namespace tinct::cpu {

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  ref::conv2d(s, x, w, bias, activation, y);
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  ref::conv2d_backward_data(s, dy, w, dx);
}

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db) {
  ref::conv2d_backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::cpu
