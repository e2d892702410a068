// Fully connected layers on the GPU: matrix products, and an epilogue bound by memory, 8 bytes an
// output, which is little beside the weights.
#include "kernels/fully_connected.h"

#include "core/simt/divide.h"
#include "kernels/conv/epilogue.h"
#include "kernels/conv/sums.h"
#include "kernels/gemm.h"

namespace tinct::gpu {
namespace {

// y = activation(y + bias), rows of `out`; a thread owns elements a grid apart.
__global__ void finish(unsigned count, Divisor out, const float* bias, Activation activation,
                       float* y) {
  const auto step = static_cast<unsigned>(item_step());
  for (auto i = static_cast<unsigned>(first_item()); i < count; i += step) {
    const unsigned row = out.divide(i);
    const float v = bias != nullptr ? y[i] + bias[i - row * out.value()] : y[i];
    y[i] = activate(activation, v);
  }
}

}  // namespace

void fully_connected(const FullyConnectedShape& s, const float* x, const float* w,
                     const float* bias, Activation activation, float* y) {
  gemm({s.rows, s.out, s.in, false, true}, x, w, y);
  const unsigned count = small_index("fully_connected", s.rows * s.out);
  if (count == 0 || (bias == nullptr && activation == Activation::none)) return;
  launch(over(count), finish, count, Divisor(static_cast<unsigned>(s.out)), bias, activation, y);
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
