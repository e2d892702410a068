// What the rungs of softmax cross-entropy share: a pixel's target, sparse or dense.
#pragma once

#include "core/simt/simt.h"
#include "kernels/softmax_cross_entropy.h"

namespace tinct::gpu::softmax {

/// The arguments of the contract, and the factor that makes the gradient of a sum that of a mean.
struct Arrays {
  const float* logits;
  const float* index;  // null: dense
  const float* target;
  const float* class_weight;  // or null
  float* gradient;            // or null
  std::size_t pixels;
  int bins, neighbours;
  bool top_bin;
  float scale;
};

inline Arrays arrays_of(const SoftmaxShape& s, const float* logits, const float* index,
                        const float* target, const float* class_weight, float* gradient) {
  return {logits,
          s.neighbours ? index : nullptr,
          target,
          class_weight,
          gradient,
          s.pixels,
          static_cast<int>(s.bins),
          static_cast<int>(s.neighbours),
          class_weight != nullptr && s.weighting == ClassWeighting::top_bin,
          static_cast<float>(1.0 / static_cast<double>(s.pixels))};
}

/// A pixel's pairs of bin and weight, read by every lane alike: one sector a request.
class SparseTarget {
 public:
  __device__ SparseTarget(const Arrays& a, std::size_t pixel)
      : a_(a),
        index_(a.index + pixel * static_cast<std::size_t>(a.neighbours)),
        target_(a.target + pixel * static_cast<std::size_t>(a.neighbours)) {
    if (!a.top_bin) return;
    int top = 0;
    for (int k = 1; k < a.neighbours; ++k) {
      if (target_[k] > target_[top]) top = k;
    }
    weight_ = a.class_weight[bin(top)];
  }

  __device__ int bin(int k) const { return static_cast<int>(index_[k]); }
  /// (class weight) z of pair k.
  __device__ float weight(int k) const {
    const float z = target_[k] * weight_;
    return a_.class_weight != nullptr && !a_.top_bin ? z * a_.class_weight[bin(k)] : z;
  }

 private:
  const Arrays& a_;
  const float *index_, *target_;
  float weight_ = 1;
};

/// The weight of the class that is likeliest among the `kLanes` lanes' (value, bin): of equal ones
/// the first. The whole warp calls.
template <int kLanes>
__device__ float top_weight(const Arrays& a, float value, int bin) {
  for (int bit = kLanes / 2; bit > 0; bit /= 2) {
    const float other = __shfl_xor_sync(kFullMask, value, bit);
    const int other_bin = __shfl_xor_sync(kFullMask, bin, bit);
    if (other > value || (other == value && other_bin < bin)) value = other, bin = other_bin;
  }
  return a.class_weight[bin < a.bins ? bin : 0];
}

}  // namespace tinct::gpu::softmax
