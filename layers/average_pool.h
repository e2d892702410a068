// Differentiable average pooling, of windows and of whole pictures.
#pragma once

#include "core/autograd.h"
#include "kernels/pool_shape.h"

namespace tinct {

/// x (n,h,w,c) -> (n,oh,ow,c): the mean of each window; padding counts as zeros with
/// `count_include_pad` (PyTorch's default) and not at all without. Throws std::invalid_argument as
/// PoolShape::check does.
Value average_pool(const Value& x, const PoolWindow& window = {}, bool count_include_pad = true);

/// x (n,h,w,c) -> (n,1,1,c). Throws std::invalid_argument when x has no pixels.
Value global_average_pool(const Value& x);

}  // namespace tinct
