// Batch normalisation as it is written down: channel by channel, in double.
#include <cmath>

#include "kernels/activation.h"
#include "kernels/batch_norm.h"

namespace tinct::ref {

void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance) {
  for (std::size_t j = 0; j < c; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += x[i * c + j];
    const double m = sum / static_cast<double>(rows);
    double squares = 0;
    for (std::size_t i = 0; i < rows; ++i) squares += (x[i * c + j] - m) * (x[i * c + j] - m);
    mean[j] = static_cast<float>(m);
    variance[j] = static_cast<float>(squares / static_cast<double>(rows));
  }
}

void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y) {
  for (std::size_t j = 0; j < c; ++j) {
    const double scale = p.gamma[j] / std::sqrt(double{p.variance[j]} + p.eps);
    for (std::size_t i = 0; i < rows; ++i) {
      const double v = (double{x[i * c + j]} - p.mean[j]) * scale + p.beta[j];
      y[i * c + j] = static_cast<float>(activate(activation, v));
    }
  }
}

void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out) {
  for (std::size_t j = 0; j < c; ++j) {
    const double inv_std = 1 / std::sqrt(double{p.variance[j]} + p.eps);
    const auto normal = [&](std::size_t i) { return (double{x[i * c + j]} - p.mean[j]) * inv_std; };
    const auto gradient = [&](std::size_t i) {  // of the output before the activation
      const double v = activate(activation, normal(i) * p.gamma[j] + p.beta[j]);
      return dy[i * c + j] * activation_derivative(activation, v);
    };
    double sum = 0;
    double sum_normal = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      sum += gradient(i);
      sum_normal += gradient(i) * normal(i);
    }
    out.dbeta[j] = static_cast<float>(sum);
    out.dgamma[j] = static_cast<float>(sum_normal);
    if (!out.dx) continue;
    const double share = batch_statistics ? 1 / static_cast<double>(rows) : 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const double centred = gradient(i) - sum * share - normal(i) * sum_normal * share;
      out.dx[i * c + j] = static_cast<float>(p.gamma[j] * inv_std * centred);
    }
  }
}

}  // namespace tinct::ref
