// Batch normalisation on the CPU.
#include "kernels/batch_norm.h"

namespace tinct::cpu {

void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance) {
  ref::batch_norm_statistics(rows, c, x, mean, variance);
}

void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y) {
  ref::batch_norm(rows, c, p, x, activation, y);
}

void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out) {
  ref::batch_norm_backward(rows, c, p, x, dy, activation, batch_statistics, out);
}

}  // namespace tinct::cpu
