// Differentiable concatenation along the channels.
#pragma once

#include <vector>

#include "core/autograd.h"

namespace tinct {

/// (n,h,w,c1), (n,h,w,c2), ... -> (n,h,w,c1+c2+...). Throws std::invalid_argument when there is no
/// input or the inputs' n, h or w differ.
Value concat(const std::vector<Value>& inputs);

}  // namespace tinct
