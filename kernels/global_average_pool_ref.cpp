// The mean of each channel as it is written down.
#include "kernels/global_average_pool.h"

namespace tinct::ref {

void global_average_pool(const Shape& s, const float* x, float* y) {
  for (std::size_t b = 0; b < s.n; ++b) {
    for (std::size_t c = 0; c < s.c; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < s.h * s.w; ++i) sum += x[(b * s.h * s.w + i) * s.c + c];
      y[b * s.c + c] = static_cast<float>(sum / static_cast<double>(s.h * s.w));
    }
  }
}

void global_average_pool_backward(const Shape& s, const float* dy, float* dx) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    const std::size_t b = i / (s.h * s.w * s.c);
    dx[i] = static_cast<float>(dy[b * s.c + i % s.c] / static_cast<double>(s.h * s.w));
  }
}

}  // namespace tinct::ref
