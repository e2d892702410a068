// Activations as they are written down.
#include <cmath>

#include "kernels/activation.h"

namespace tinct::ref {

double activate(Activation kind, double v, float slope) {
  switch (kind) {
    case Activation::none:
      break;
    case Activation::relu:
      return v <= 0 ? 0 : v;
    case Activation::leaky_relu:
      return v <= 0 ? v * slope : v;
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-v));
    case Activation::tanh:
      return std::tanh(v);
  }
  return v;
}

double activation_derivative(Activation kind, double y, float slope) {
  switch (kind) {
    case Activation::none:
      break;
    case Activation::relu:
      return y <= 0 ? 0 : 1;
    case Activation::leaky_relu:
      return y <= 0 ? slope : 1;
    case Activation::sigmoid:
      return y * (1 - y);
    case Activation::tanh:
      return 1 - y * y;
  }
  return 1;
}

void activation(Activation kind, std::size_t count, const float* x, float* y, float slope) {
  for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<float>(activate(kind, x[i], slope));
}

void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope) {
  for (std::size_t i = 0; i < count; ++i) {
    dx[i] = static_cast<float>(dy[i] * activation_derivative(kind, y[i], slope));
  }
}

}  // namespace tinct::ref
