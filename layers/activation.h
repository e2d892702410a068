// Differentiable activations, element by element.
#pragma once

#include "core/autograd.h"
#include "kernels/activation_kind.h"

namespace tinct {

/// The activation of that kind; x itself for none. Keeps its output, not its input.
Value activate(const Value& x, Activation activation);

/// max(x, 0); the derivative at exactly 0 is 0.
Value relu(const Value& x);
/// x above 0, slope x below. Throws std::invalid_argument unless slope >= 0.
Value leaky_relu(const Value& x, float slope = kLeakySlope);
/// 1 / (1 + e^-x).
Value sigmoid(const Value& x);
Value tanh(const Value& x);

}  // namespace tinct
