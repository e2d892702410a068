// Losses: scalars (1,1,1,1), on the host, whose gradient is computed with the value, when one is
// wanted. All throw std::invalid_argument when the shapes do not fit or the devices differ.
#pragma once

#include "core/autograd.h"
#include "kernels/softmax_cross_entropy.h"

namespace tinct {

// The mean over all elements; `pixel_weight` (n,h,w,1) multiplies its pixel's elements, and the
// divisor stays the number of elements. Penalties: kernels/pixel_loss.h.

Value l1_loss(const Value& prediction, const Tensor& target, const Tensor& pixel_weight = {});
Value l2_loss(const Value& prediction, const Tensor& target, const Tensor& pixel_weight = {});
/// Quadratic to |u| = delta > 0 (u^2/2), then linear. Hwang & Zhou's penalty is twice this.
Value huber_loss(const Value& prediction, const Tensor& target, float delta = 1,
                 const Tensor& pixel_weight = {});
/// `prediction` are logits, `target` probabilities.
Value bce_with_logits(const Value& prediction, const Tensor& target,
                      const Tensor& pixel_weight = {});

/// The k nearest bins of each pixel and their weights, both (n,h,w,k): a soft target without its
/// zeros. Indices are whole numbers.
struct SparseTarget {
  Tensor index;
  Tensor weight;
};

/// The mean over pixels of -sum_q z_q log softmax(logits)_q. logits and target (n,h,w,q);
/// class_weight (1,1,1,q) or empty. The target need not sum to one.
Value softmax_cross_entropy(const Value& logits, const Tensor& target,
                            const Tensor& class_weight = {},
                            ClassWeighting weighting = ClassWeighting::each_bin);
/// On the host throws std::invalid_argument also when an index is not a bin.
Value softmax_cross_entropy(const Value& logits, const SparseTarget& target,
                            const Tensor& class_weight = {},
                            ClassWeighting weighting = ClassWeighting::each_bin);

}  // namespace tinct
