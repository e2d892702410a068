// Lightness as grey RGB, and as blocks of pixels. Bytes: 16 a pixel, and 8.
#pragma once

#include <cstddef>

#include "core/shape.h"

namespace tinct {
namespace cpu {

/// x (pixels), (L - 50) / 50, clamped to L in 0..100, to the neutral sRGB colour of that lightness,
/// (pixels,3), three equal components in 0..1.
void neutral_rgb(std::size_t pixels, const float* x, float* rgb);
/// Each block of side x side pixels as the channels of one: x of shape s (one channel) to
/// (n,h/side,w/side,side^2). `side` divides both extents.
void space_to_depth(const Shape& s, std::size_t side, const float* x, float* y);

}  // namespace cpu

namespace gpu {

/// Within 1e-6 of cpu::neutral_rgb.
void neutral_rgb(std::size_t pixels, const float* x, float* rgb);
void space_to_depth(const Shape& s, std::size_t side, const float* x, float* y);

}  // namespace gpu
}  // namespace tinct
