// Bilinear resizing of NHWC maps to any size, as gathers in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/shape.h"

namespace tinct {

struct bf16;

/// Where output pixel o of `out` reads from an axis of `in` pixels.
enum class Align : std::uint8_t {
  half_pixel,  ///< (o + 1/2) in/out - 1/2, clamped: OpenCV, PyTorch's default, TensorFlow 2
  corners,     ///< o (in - 1)/(out - 1), 0 when out = 1: PyTorch's align_corners
  legacy,      ///< o in/out: TensorFlow 1's resize_bilinear without align_corners
};

/// One axis: output o is (1 - weight[o]) x[first[o]] + weight[o] x[second[o]]. first never falls.
struct BilinearAxis {
  std::vector<std::size_t> first, second;
  std::vector<float> weight;
};
BilinearAxis bilinear_axis(std::size_t in, std::size_t out, Align align);

namespace ref {

/// x of shape s, y (n,oh,ow,c).
void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y);
/// dy (n,oh,ow,c), dx of shape s. Scatters.
void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx);

}  // namespace ref

namespace cpu {

void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y);
void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; in, out < 32768. bf16 is summed in f32 and rounded once.
void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y);
void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const bf16* x,
                       bf16* y);
void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx);
void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const bf16* dy, bf16* dx);

/// The rungs that led there: a thread a number; a thread 16 bytes of channels.
void bilinear_upsample_naive(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                             const float* x, float* y);
void bilinear_upsample_backward_naive(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                      const float* dy, float* dx);
void bilinear_upsample_packs(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                             const float* x, float* y);
void bilinear_upsample_backward_packs(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                      const float* dy, float* dx);

}  // namespace gpu
}  // namespace tinct
