// An array times a number; its own gradient; and shifted. Bytes: 8 an element.
#pragma once

#include <cstddef>

namespace tinct {

struct bf16;

namespace ref {

/// y = factor x. y may be x.
void scale(std::size_t count, float factor, const float* x, float* y);

}  // namespace ref

namespace cpu {

void scale(std::size_t count, float factor, const float* x, float* y);
/// y = factor x + shift, rounded twice.
void scale_shift(std::size_t count, float factor, float shift, const float* x, float* y);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned.
void scale(std::size_t count, float factor, const float* x, float* y);
void scale(std::size_t count, float factor, const bf16* x, bf16* y);
void scale_shift(std::size_t count, float factor, float shift, const float* x, float* y);

}  // namespace gpu
}  // namespace tinct
