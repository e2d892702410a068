// Differentiable multiplication by a number.
#pragma once

#include "core/autograd.h"

namespace tinct {

/// factor x.
Value scale(const Value& x, float factor);

}  // namespace tinct
