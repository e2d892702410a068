// Fitting Lab colours into what sRGB can show, at constant lightness and hue.
#pragma once

#include <cstddef>

#include "kernels/colour.h"

namespace tinct {

namespace ref {

/// Scales (a, b) by the largest k in [0, 1], to 2^-12 and never above it, that makes all three
/// linear components lie in [0, 1] within 1e-6; colours inside stay as they are. L must be in
/// 0..100: the neutral axis is inside, so k exists.
Colour fit_to_gamut(const Colour& lab);

}  // namespace ref

namespace cpu {

/// n pixels, in place.
void fit_to_gamut(std::size_t n, float* lab);

}  // namespace cpu

namespace gpu {

/// n pixels, in place, in device memory.
void fit_to_gamut(std::size_t n, float* lab);

}  // namespace gpu
}  // namespace tinct
