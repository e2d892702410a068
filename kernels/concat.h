// Concatenation along the channels: each row of y is the inputs' rows, one after the other.
// Bytes: 8 an element of y, each way.
#pragma once

#include <cstddef>
#include <vector>

namespace tinct {

/// One input (rows, c).
struct ConcatInput {
  const float* x = nullptr;
  std::size_t c = 0;
};

/// One input's gradient (rows, c); dx may be null when nobody wants it.
struct ConcatGradient {
  float* dx = nullptr;
  std::size_t c = 0;
};

namespace ref {

/// y (rows, sum of the inputs' c).
void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);

}  // namespace ref

namespace cpu {

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);

}  // namespace cpu
}  // namespace tinct
