// Fully connected layers: y = activation(x w^T + bias). 2 rows in out flops each way.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

/// x (rows,in), w (out,in), bias (out) or null, y (rows,out).
struct FullyConnectedShape {
  std::size_t rows = 0, in = 0, out = 0;
};

namespace cpu {

/// The kernels of the 1x1 convolution: the same bits for any thread count.
void fully_connected(const FullyConnectedShape& s, const float* x, const float* w,
                     const float* bias, Activation activation, float* y);
void fully_connected_backward_data(const FullyConnectedShape& s, const float* dy, const float* w,
                                   float* dx);
/// dy is the gradient before the activation; db may be null.
void fully_connected_backward_weights(const FullyConnectedShape& s, const float* x, const float* dy,
                                      float* dw, float* db);

}  // namespace cpu

namespace gpu {

/// On device memory, through gemm().
void fully_connected(const FullyConnectedShape& s, const float* x, const float* w,
                     const float* bias, Activation activation, float* y);
void fully_connected_backward_data(const FullyConnectedShape& s, const float* dy, const float* w,
                                   float* dx);
void fully_connected_backward_weights(const FullyConnectedShape& s, const float* x, const float* dy,
                                      float* dw, float* db);

}  // namespace gpu
}  // namespace tinct
