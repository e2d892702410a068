// Dropout: the plain reference.
#include "kernels/dropout.h"

namespace tinct {

std::uint32_t dropout_threshold(float rate) {
  return static_cast<std::uint32_t>(static_cast<double>(rate) * 0x1p32);
}

void ref::dropout(const Random& random, float rate, std::size_t count, const float* x, float* y) {
  const std::uint32_t threshold = dropout_threshold(rate);
  const float scale = 1.0f / (1.0f - rate);
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = random.bits(i) >= threshold ? scale * x[i] : 0.0f;
  }
}

void ref::channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                          std::size_t c, const float* x, float* y) {
  const std::uint32_t threshold = dropout_threshold(rate);
  const float scale = 1.0f / (1.0f - rate);
  for (std::size_t i = 0; i < n * pixels * c; ++i) {
    const std::size_t sample = i / (pixels * c);
    y[i] = random.bits(sample * c + i % c) >= threshold ? scale * x[i] : 0.0f;
  }
}

}  // namespace tinct
