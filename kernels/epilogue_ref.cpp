// Bias and activation as they are written down.
#include <cmath>

#include "kernels/epilogue.h"

namespace tinct::ref {

void bias_activation(std::size_t pixels, std::size_t c, const float* bias, Activation activation,
                     float* y) {
  for (std::size_t i = 0; i < pixels * c; ++i) {
    const double z = double{y[i]} + (bias ? bias[i % c] : 0.0f);
    double v = z;
    switch (activation) {
      case Activation::none:
        break;
      case Activation::relu:
        v = z > 0 ? z : 0;
        break;
      case Activation::leaky_relu:
        v = z > 0 ? z : kLeakySlope * z;
        break;
      case Activation::sigmoid:
        v = 1 / (1 + std::exp(-z));
        break;
      case Activation::tanh:
        v = std::tanh(z);
        break;
    }
    y[i] = static_cast<float>(v);
  }
}

void activation_gradient(std::size_t size, Activation activation, const float* y, const float* dy,
                         float* dz) {
  for (std::size_t i = 0; i < size; ++i) {
    const double v = y[i];
    double slope = 1;
    switch (activation) {
      case Activation::none:
        break;
      case Activation::relu:
        slope = v > 0 ? 1 : 0;
        break;
      case Activation::leaky_relu:
        slope = v > 0 ? 1 : kLeakySlope;
        break;
      case Activation::sigmoid:
        slope = v * (1 - v);
        break;
      case Activation::tanh:
        slope = 1 - v * v;
        break;
    }
    dz[i] = static_cast<float>(dy[i] * slope);
  }
}

}  // namespace tinct::ref
