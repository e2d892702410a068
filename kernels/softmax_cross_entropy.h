// Softmax cross-entropy over bins with soft targets and class weights: value and gradient in one
// pass over the logits, through log-sum-exp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {

/// What the class weights v multiply.
enum class ClassWeighting : std::uint8_t {
  each_bin,  ///< each bin's term: -sum_q v_q z_q log p_q, as PyTorch's cross_entropy
  top_bin,   ///< the whole pixel, by its likeliest bin: -v_{argmax z} sum_q z_q log p_q, as
             ///< Zhang, Isola, Efros, "Colorful Image Colorization", ECCV 2016
};

/// logits (pixels,bins). The target z is dense, (pixels,bins), or sparse: (pixels,neighbours) pairs
/// of bin and weight, the others zero.
struct SoftmaxShape {
  std::size_t pixels = 0, bins = 0;
  std::size_t neighbours = 0;  ///< 0: dense
  ClassWeighting weighting = ClassWeighting::each_bin;
};

namespace ref {

/// Returns the mean over the pixels and writes the gradient with respect to the logits unless that
/// is null. `index` holds whole numbers below bins, and is null when dense; `target` the weights;
/// class_weight (bins) may be null. Of equal weights the first is the likeliest.
double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient);

}  // namespace ref

namespace cpu {

/// May not write over the logits.
double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient);

}  // namespace cpu

namespace gpu {

/// On device memory, 32-byte aligned. May not write over the logits. Waits for the result.
double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient);
/// The rungs below it: a thread a pixel; a warp a pixel.
double softmax_cross_entropy_naive(const SoftmaxShape& s, const float* logits, const float* index,
                                   const float* target, const float* class_weight, float* gradient);
double softmax_cross_entropy_warp(const SoftmaxShape& s, const float* logits, const float* index,
                                  const float* target, const float* class_weight, float* gradient);

}  // namespace gpu
}  // namespace tinct
