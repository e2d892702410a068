// Concatenation along the channels: each row of y is the inputs' rows, one after the other.
// Bytes: 8 an element of y, each way.
#pragma once

#include <cstddef>
#include <vector>

namespace tinct {

struct bf16;

/// One input (rows, c), stored as T: float, or on the GPU bf16 too.
template <class T>
struct ConcatInputOf {
  const T* x = nullptr;
  std::size_t c = 0;
};
using ConcatInput = ConcatInputOf<float>;

/// One input's gradient (rows, c); dx may be null when nobody wants it.
template <class T>
struct ConcatGradientOf {
  T* dx = nullptr;
  std::size_t c = 0;
};
using ConcatGradient = ConcatGradientOf<float>;

namespace ref {

/// y (rows, sum of the inputs' c).
void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);

}  // namespace ref

namespace cpu {

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned. Any number of inputs, eight a launch.
void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat(std::size_t rows, const std::vector<ConcatInputOf<bf16>>& inputs, bf16* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);
void concat_backward(std::size_t rows, const bf16* dy,
                     const std::vector<ConcatGradientOf<bf16>>& inputs);

}  // namespace gpu
}  // namespace tinct
