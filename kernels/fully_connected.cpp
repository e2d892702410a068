// Fully connected layers on the CPU: 1x1 convolutions of one row of pixels, one for each vector.
#include "kernels/fully_connected.h"

#include "kernels/conv/conv2d.h"

namespace tinct::cpu {
namespace {

Conv2dShape as_convolution(const FullyConnectedShape& s) {
  return {.w = s.rows, .c = s.in, .k = s.out};
}

}  // namespace

void fully_connected(const FullyConnectedShape& s, const float* x, const float* w,
                     const float* bias, Activation activation, float* y) {
  conv2d(as_convolution(s), x, w, bias, activation, y);
}

void fully_connected_backward_data(const FullyConnectedShape& s, const float* dy, const float* w,
                                   float* dx) {
  conv2d_backward_data(as_convolution(s), dy, w, dx);
}

void fully_connected_backward_weights(const FullyConnectedShape& s, const float* x, const float* dy,
                                      float* dw, float* db) {
  conv2d_backward_weights(as_convolution(s), x, dy, dw, db);
}

}  // namespace tinct::cpu
