// Separable Gaussian blur of NHWC maps. With either border the blur is its own adjoint: the
// gradient with respect to x is the same blur of dy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/shape.h"

namespace tinct {

/// What lies outside the picture. (Reflection without the edge pixel and replication are not here:
/// under them the blur is not self-adjoint.)
enum class Border : std::uint8_t {
  zero,
  symmetric,  ///< mirrored at the edge, the edge pixel twice: c b a | a b c
};

/// `size` (odd) samples of exp(-x^2 / (2 sigma^2)), x whole, 0 in the middle; divided by their sum
/// when normalised. Throws std::invalid_argument for an even size or a sigma that is not positive.
std::vector<float> gaussian_taps(std::size_t size, double sigma, bool normalised = true);

/// The row or column that position i shows of an axis of `extent` under Border::symmetric.
std::size_t symmetric_index(std::ptrdiff_t i, std::size_t extent);

namespace ref {

/// y = taps x taps correlated with each channel of x; x and y of shape s, an odd number of taps.
void gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border, const float* x,
                   float* y);

}  // namespace ref

namespace cpu {

/// y is not x.
void gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border, const float* x,
                   float* y);

}  // namespace cpu

namespace gpu {

/// On device memory, `taps` on the host. y is not x.
void gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border, const float* x,
                   float* y);
/// The rung below it, for any number of taps and channels: along and down in a launch each.
void gaussian_blur_two_pass(const Shape& s, const std::vector<float>& taps, Border border,
                            const float* x, float* y);

}  // namespace gpu
}  // namespace tinct
