// Between f32 and bf16. Bytes: 6 an element.
#pragma once

#include <cstddef>

namespace tinct {

struct bf16;

namespace cpu {

/// To the nearest, ties to even; NaN stays NaN.
void cast(std::size_t count, const float* x, bf16* y);
/// Exact.
void cast(std::size_t count, const bf16* x, float* y);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; the same bits.
void cast(std::size_t count, const float* x, bf16* y);
void cast(std::size_t count, const bf16* x, float* y);

}  // namespace gpu
}  // namespace tinct
