// A running figure moved a step towards a new one. Bytes: 12 an element.
#pragma once

#include <cstddef>

namespace tinct {
namespace cpu {

/// running += momentum (factor x - running).
void move_towards(std::size_t count, const float* x, float momentum, double factor, float* running);

}  // namespace cpu

namespace gpu {

void move_towards(std::size_t count, const float* x, float momentum, double factor, float* running);

}  // namespace gpu
}  // namespace tinct
