// The mean of each channel of each picture: x (n,h,w,c) -> y (n,1,1,c).
// Bytes: forward reads x; backward writes dx.
#pragma once

#include "core/shape.h"

namespace tinct {

struct bf16;

namespace ref {

void global_average_pool(const Shape& x_shape, const float* x, float* y);
/// dx = dy / (h w), everywhere.
void global_average_pool_backward(const Shape& x_shape, const float* dy, float* dx);

}  // namespace ref

namespace cpu {

void global_average_pool(const Shape& x_shape, const float* x, float* y);
void global_average_pool_backward(const Shape& x_shape, const float* dy, float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. bf16 is summed in f32 and rounded once.
void global_average_pool(const Shape& x_shape, const float* x, float* y);
void global_average_pool(const Shape& x_shape, const bf16* x, bf16* y);
void global_average_pool_backward(const Shape& x_shape, const float* dy, float* dx);
void global_average_pool_backward(const Shape& x_shape, const bf16* dy, bf16* dx);

}  // namespace gpu
}  // namespace tinct
