// Nearest-neighbour resizing, differentiable.
#pragma once

#include <cstddef>

#include "core/autograd.h"

namespace tinct {

/// (n,h,w,c) -> (n,oh,ow,c). Throws std::invalid_argument when an extent is zero.
Value nearest_upsample(const Value& x, std::size_t oh, std::size_t ow);

}  // namespace tinct
