// Softmax cross-entropy: the plain reference.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/softmax_cross_entropy.h"

namespace tinct::ref {

double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient) {
  const double scale = 1.0 / static_cast<double>(s.pixels);
  const std::size_t entries = s.neighbours ? s.neighbours : s.bins;
  std::vector<double> z(s.bins);
  double sum = 0;
  for (std::size_t i = 0; i < s.pixels; ++i) {
    const float* t = target + i * entries;
    const auto bin = [&](std::size_t k) {
      return s.neighbours ? static_cast<std::size_t>(index[i * entries + k]) : k;
    };
    std::fill(z.begin(), z.end(), 0.0);
    for (std::size_t k = 0; k < entries; ++k) z[bin(k)] += t[k];
    if (class_weight) {
      const std::size_t top = bin(std::max_element(t, t + entries) - t);
      for (std::size_t q = 0; q < s.bins; ++q) {
        z[q] *= class_weight[s.weighting == ClassWeighting::top_bin ? top : q];
      }
    }
    const float* x = logits + i * s.bins;
    const double largest = *std::max_element(x, x + s.bins);
    double exp_sum = 0;
    double total = 0;
    for (std::size_t q = 0; q < s.bins; ++q) {
      exp_sum += std::exp(x[q] - largest);
      total += z[q];
    }
    for (std::size_t q = 0; q < s.bins; ++q) {
      const double log_p = x[q] - largest - std::log(exp_sum);
      sum -= z[q] * log_p;
      if (gradient) {
        gradient[i * s.bins + q] = static_cast<float>(scale * (total * std::exp(log_p) - z[q]));
      }
    }
  }
  return sum * scale;
}

}  // namespace tinct::ref
