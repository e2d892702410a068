// Concatenation as it is written down.
#include "kernels/concat.h"

namespace tinct::ref {

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (const ConcatInput& input : inputs) {
      for (std::size_t j = 0; j < input.c; ++j) *y++ = input.x[i * input.c + j];
    }
  }
}

void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (const ConcatGradient& input : inputs) {
      for (std::size_t j = 0; j < input.c; ++j, ++dy) {
        if (input.dx) input.dx[i * input.c + j] = *dy;
      }
    }
  }
}

}  // namespace tinct::ref
