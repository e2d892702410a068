// Average pooling, NHWC.
// Bytes: forward reads x and writes y; backward reads dy and writes dx.
#pragma once

#include "kernels/pool_shape.h"

namespace tinct {

/// What the window of output (oy, ox) is divided by: its elements inside the input, or, with
/// `count_include_pad`, inside the padded input (PyTorch's rule: what `ceil` adds beyond the
/// padding never counts).
std::size_t average_pool_divisor(const PoolShape& s, bool count_include_pad, std::size_t oy,
                                 std::size_t ox);

namespace ref {

/// y = the sum of each window over its divisor.
void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx);

}  // namespace ref

namespace cpu {

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx);

}  // namespace cpu
}  // namespace tinct
