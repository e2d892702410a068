// Average pooling, NHWC.
// Bytes: forward reads x and writes y; backward reads dy and writes dx.
#pragma once

#include <vector>

#include "kernels/pool_shape.h"

namespace tinct {

struct bf16;

/// What a window is divided by, as rows[oy] columns[ox]: its elements inside the input, or, with
/// `count_include_pad`, inside the padded input (PyTorch's rule: what `ceil` adds beyond the
/// padding never counts).
struct PoolDivisors {
  std::vector<std::size_t> rows, columns;
};
PoolDivisors average_pool_divisors(const PoolShape& s, bool count_include_pad);

namespace ref {

/// y = the sum of each window over its divisor.
void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx);

}  // namespace ref

namespace cpu {

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. bf16 is summed in f32 and rounded once.
void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y);
void average_pool(const PoolShape& s, bool count_include_pad, const bf16* x, bf16* y);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx);
void average_pool_backward(const PoolShape& s, bool count_include_pad, const bf16* dy, bf16* dx);

}  // namespace gpu
}  // namespace tinct
