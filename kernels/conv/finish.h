// What is left to do around a library's convolution or matrix product on the GPU.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

struct bf16;

namespace gpu {

/// y = activation(y + bias); y (count) in rows of k, bias (k) or null. 16-byte aligned.
void add_bias(std::size_t count, std::size_t k, const float* bias, Activation activation, float* y);
void add_bias(std::size_t count, std::size_t k, const float* bias, Activation activation, bf16* y);

}  // namespace gpu
}  // namespace tinct
