// Concatenation along the channels: each row of y is the inputs' rows, one after the other.
// Bytes: 8 an element of y, each way.
#pragma once

#include <cstddef>
#include <vector>

namespace tinct {

struct bf16;

/// One input (rows, c).
struct ConcatInput {
  const float* x = nullptr;
  std::size_t c = 0;
};

/// The same on the GPU, stored as bf16.
struct ConcatInputBf16 {
  const bf16* x = nullptr;
  std::size_t c = 0;
};

/// One input's gradient (rows, c); dx may be null when nobody wants it.
struct ConcatGradient {
  float* dx = nullptr;
  std::size_t c = 0;
};

struct ConcatGradientBf16 {
  bf16* dx = nullptr;
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

namespace gpu {

/// On device memory, 16-byte aligned. Any number of inputs, eight a launch.
void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y);
void concat(std::size_t rows, const std::vector<ConcatInputBf16>& inputs, bf16* y);
void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs);
void concat_backward(std::size_t rows, const bf16* dy,
                     const std::vector<ConcatGradientBf16>& inputs);

}  // namespace gpu
}  // namespace tinct
