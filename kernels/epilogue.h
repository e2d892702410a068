// What a kernel does to its sums on the way out: bias and activation, and the way back through
// them.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {
namespace ref {

/// y = activation(y + bias) in place, over `pixels` rows of c channels; bias (c) may be null.
void bias_activation(std::size_t pixels, std::size_t c, const float* bias, Activation activation,
                     float* y);
/// dz = dy * activation'(z), the derivative taken from the output y = activation(z): every
/// Activation can be differentiated from its output alone. dz may be dy.
void activation_gradient(std::size_t size, Activation activation, const float* y, const float* dy,
                         float* dz);

}  // namespace ref

namespace cpu {

void bias_activation(std::size_t pixels, std::size_t c, const float* bias, Activation activation,
                     float* y);
void activation_gradient(std::size_t size, Activation activation, const float* y, const float* dy,
                         float* dz);

}  // namespace cpu
}  // namespace tinct
