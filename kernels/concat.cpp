// Concatenation on the CPU.
#include "kernels/concat.h"

namespace tinct::cpu {

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y) {
  ref::concat(rows, inputs, y);
}

void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs) {
  ref::concat_backward(rows, dy, inputs);
}

}  // namespace tinct::cpu
