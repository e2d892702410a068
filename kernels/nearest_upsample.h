// Nearest-neighbour resizing of NHWC maps to any size, as gathers in both directions.
#pragma once

#include <cstddef>

#include "core/shape.h"

namespace tinct {

struct bf16;

namespace ref {

/// Output pixel o of `out` copies input pixel floor(o in / out) of its axis: PyTorch's "nearest",
/// Keras's repetition at whole factors. x of shape s, y (n,oh,ow,c).
void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y);
/// dy (n,oh,ow,c), dx of shape s.
void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx);

}  // namespace ref

namespace cpu {

void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y);
void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; in, out < 32768. bf16 gradients are summed in f32 and rounded
/// once.
void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y);
void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const bf16* x, bf16* y);
void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx);
void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const bf16* dy,
                               bf16* dx);

}  // namespace gpu
}  // namespace tinct
