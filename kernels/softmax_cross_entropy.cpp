// Softmax cross-entropy on the CPU.
#include "kernels/softmax_cross_entropy.h"

namespace tinct::cpu {

double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient) {
  return ref::softmax_cross_entropy(s, logits, index, target, class_weight, gradient);
}

}  // namespace tinct::cpu
