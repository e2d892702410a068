// Bins of the ab plane on tensors: for models with a binned head, and for what trains and decodes
// them. A set of q bins is a tensor (1,1,q,2), as ModelInfo::bins. Formulas: kernels/ab_bins.h.
#pragma once

#include <cstddef>

#include "core/tensor.h"
#include "layers/loss.h"

namespace tinct {

/// The paper's 313 bins.
Tensor ab_bins_313();
/// All 23 x 23 bins of spacing 10.
Tensor ab_bins_grid();

// All throw std::invalid_argument when the shapes do not fit or an argument is out of range.

/// The target of softmax_cross_entropy for ab (n,h,w,2), in Lab units.
SparseTarget soft_encode(const Tensor& bins, const Tensor& ab, std::size_t k = 5, double sigma = 5);
/// Class weights (1,1,1,q) from the mean encoding of the training pixels (1,1,1,q).
Tensor rebalancing_weights(const Tensor& bins, const Tensor& prior, double lambda = 0.5,
                           double sigma = 5);
/// ab (n,h,w,2), in Lab units, from logits (n,h,w,q).
Tensor annealed_mean(const Tensor& bins, const Tensor& logits, float temperature = 0.38f);

}  // namespace tinct
