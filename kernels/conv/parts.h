// Adding up the parts of a sum that several blocks share, on the GPU.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct::gpu {

/// y = activation(parts[0] + parts[1] + ... + bias), in that order; parts (parts,count), y (count),
/// bias (n) of the innermost extent, or null.
void add_parts(std::size_t count, std::size_t parts, const float* from, std::size_t n,
               const float* bias, Activation activation, float* y);

}  // namespace tinct::gpu
