// An array times a number; its own gradient. Bytes: 8 an element.
#pragma once

#include <cstddef>

namespace tinct {
namespace ref {

/// y = factor x. y may be x.
void scale(std::size_t count, float factor, const float* x, float* y);

}  // namespace ref

namespace cpu {

void scale(std::size_t count, float factor, const float* x, float* y);

}  // namespace cpu
}  // namespace tinct
