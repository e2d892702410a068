// Max pooling, NHWC.
// Bytes: forward reads x and writes y and a byte of `which` an output; backward reads the latter
// two and writes dx.
#pragma once

#include <cstdint>

#include "kernels/pool_shape.h"

namespace tinct {

struct bf16;

/// The largest window, in elements: its positions fit in a byte.
inline constexpr std::size_t kMaxPoolWindow = 256;

namespace ref {

/// y = the largest element of each window; the first of equals, but the last NaN, as in
/// PyTorch. which, unless null, gets
/// its position in the window, ky kw + kx.
void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which);
/// dx gets, for each input, the dy of the windows that chose it.
void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx);

}  // namespace ref

namespace cpu {

void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which);
void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned.
void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which);
void max_pool(const PoolShape& s, const bf16* x, bf16* y, std::uint8_t* which);
/// bf16 gradients are summed in f32 and rounded once.
void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx);
void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const bf16* dy, bf16* dx);

}  // namespace gpu
}  // namespace tinct
