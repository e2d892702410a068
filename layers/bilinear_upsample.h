// Bilinear resizing, differentiable.
#pragma once

#include <cstddef>

#include "core/autograd.h"
#include "kernels/bilinear_upsample.h"

namespace tinct {

/// (n,h,w,c) -> (n,oh,ow,c); no antialiasing when it shrinks. Throws std::invalid_argument when an
/// extent is zero.
Value bilinear_upsample(const Value& x, std::size_t oh, std::size_t ow,
                        Align align = Align::half_pixel);

}  // namespace tinct
