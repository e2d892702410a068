// Differentiable addition.
#pragma once

#include "core/autograd.h"
#include "kernels/activation_kind.h"

namespace tinct {

/// activation(a + b). Throws std::invalid_argument when the shapes differ: there is no
/// broadcasting.
Value add(const Value& a, const Value& b, Activation activation = Activation::none);

}  // namespace tinct
