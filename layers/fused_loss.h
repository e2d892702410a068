// What the losses share: a scalar whose gradient was computed with its value.
#pragma once

#include <utility>

#include "core/autograd.h"

namespace tinct {

/// A scalar of this value, on the host wherever the prediction is; backward adds dy times
/// `gradient` (empty when none is wanted) to `prediction`'s gradient.
Value fused_loss(double value, const Value& prediction, Tensor gradient);

}  // namespace tinct
