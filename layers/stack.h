// Differentiable stacking along the batch.
#pragma once

#include <vector>

#include "core/autograd.h"

namespace tinct {

/// The inputs (n_i,h,w,c), one after another: (sum of n_i,h,w,c). Throws std::invalid_argument for
/// no inputs, for inputs that differ in more than n, and across devices.
Value stack(const std::vector<Value>& inputs);

}  // namespace tinct
