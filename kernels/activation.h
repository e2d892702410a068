// Activations, element by element. Bytes: forward 8 an element, backward 12.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

struct bf16;

namespace ref {

/// One value: max(v, 0); v > 0 ? v : slope v; 1 / (1 + e^-v); tanh v. NaN stays NaN.
double activate(Activation kind, double v, float slope = kLeakySlope);
/// The derivative, told from the output y = activate(v); 0 for ReLU at exactly 0 and the slope for
/// leaky ReLU there, as in PyTorch.
double activation_derivative(Activation kind, double y, float slope = kLeakySlope);

/// y = activate(x).
void activation(Activation kind, std::size_t count, const float* x, float* y,
                float slope = kLeakySlope);
/// dx = dy activate'(x), given the output y. dx may be dy. slope >= 0.
void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope = kLeakySlope);

}  // namespace ref

namespace cpu {

/// Sigmoid and tanh within 5e-7 of the value (sigmoid: above -87, 0 below); the others are exact.
void activation(Activation kind, std::size_t count, const float* x, float* y,
                float slope = kLeakySlope);
void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope = kLeakySlope);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. Sigmoid and tanh within 5e-7 of the value; bf16 is computed
/// in f32 and rounded once.
void activation(Activation kind, std::size_t count, const float* x, float* y,
                float slope = kLeakySlope);
void activation(Activation kind, std::size_t count, const bf16* x, bf16* y,
                float slope = kLeakySlope);
void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope = kLeakySlope);
void activation_backward(Activation kind, std::size_t count, const bf16* y, const bf16* dy,
                         bf16* dx, float slope = kLeakySlope);

}  // namespace gpu
}  // namespace tinct
