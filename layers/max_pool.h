// Differentiable max pooling.
#pragma once

#include "core/autograd.h"
#include "kernels/pool_shape.h"

namespace tinct {

/// x (n,h,w,c) -> (n,oh,ow,c): the largest element of each window; the first of equals gets the
/// gradient; NaN wins. Throws std::invalid_argument as PoolShape::check does, and for windows of
/// more than 256 elements.
Value max_pool(const Value& x, const PoolWindow& window = {});

}  // namespace tinct
