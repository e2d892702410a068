// A distribution over colour bins as one colour.
#pragma once

#include "core/autograd.h"

namespace tinct {

/// The mean of the bins (1,1,q,2) under softmax(logits / temperature): logits (n,h,w,q) to ab
/// (n,h,w,2) (Zhang et al., ECCV 2016; kernels/ab_bins.h). Records no gradient: it is how a
/// finished model answers. Throws std::invalid_argument for another number of logits than bins.
Value annealed_mean(const Value& logits, const Tensor& bins, float temperature);

}  // namespace tinct
