// Fully connected layers on the GPU: matrix products, and bias and activation in a launch of their
// own, 8 bytes an output, which is little beside the weights.
#include "kernels/fully_connected.h"

#include "kernels/conv/finish.h"
#include "kernels/conv/sums.h"
#include "kernels/gemm.h"

namespace tinct::gpu {

void fully_connected(const FullyConnectedShape& s, const float* x, const float* w,
                     const float* bias, Activation activation, float* y) {
  gemm({s.rows, s.out, s.in, false, true}, x, w, y);
  add_bias(s.rows * s.out, s.out, bias, activation, y);
}

void fully_connected_backward_data(const FullyConnectedShape& s, const float* dy, const float* w,
                                   float* dx) {
  gemm({s.rows, s.in, s.out, false, false}, dy, w, dx);
}

void fully_connected_backward_weights(const FullyConnectedShape& s, const float* x, const float* dy,
                                      float* dw, float* db) {
  gemm({s.out, s.in, s.rows, true, false}, dy, x, dw);
  if (db != nullptr) sum_rows(s.rows, s.out, dy, db);
}

}  // namespace tinct::gpu
