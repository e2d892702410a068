// The sum of two arrays, with an activation fused. Bytes: 12 an element.
// The gradient is that of the activation (kernels/activation.h), the same for both.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

struct bf16;

namespace ref {

/// y = activation(a + b).
void add(std::size_t count, const float* a, const float* b, Activation activation, float* y);

}  // namespace ref

namespace cpu {

/// `activation` is none, ReLU or leaky ReLU (slope kLeakySlope).
void add(std::size_t count, const float* a, const float* b, Activation activation, float* y);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; any activation. bf16 is added in f32 and rounded once.
void add(std::size_t count, const float* a, const float* b, Activation activation, float* y);
void add(std::size_t count, const bf16* a, const bf16* b, Activation activation, bf16* y);

}  // namespace gpu
}  // namespace tinct
