// How much to multiply a picture's predicted chroma by, so that it is as colourful as photographs
// are.
#pragma once

#include "core/tensor.h"

namespace tinct {

/// What saturation_for answers lies within these: beyond them a picture is wrong, not pale or
/// gaudy.
inline constexpr float kLeastSaturation = 0.5f, kMostSaturation = 2.5f;

/// The factor on ab (1,h,w,2) at which the picture of that lightness (1,h,w,1), fitted into gamut
/// as colorize() does, has that colourfulness (train/metrics.h), to within 0.002; the nearer limit
/// where no factor within them does. Throws std::invalid_argument for shapes that do not fit or a
/// colourfulness that is not above 0.
float saturation_for(const Tensor& lightness, const Tensor& ab, double colourfulness);

}  // namespace tinct
