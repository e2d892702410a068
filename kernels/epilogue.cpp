// Bias and activation, vectorised: plain loops that the compiler turns into SIMD for each target.
#include "kernels/epilogue.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epilogue.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

template <class F>
void map_pixels(std::size_t pixels, std::size_t c, const float* bias, float* y, F&& f) {
  for (std::size_t i = 0; i < pixels; ++i, y += c) {
    if (bias) {
      for (std::size_t k = 0; k < c; ++k) y[k] = f(y[k] + bias[k]);
    } else {
      for (std::size_t k = 0; k < c; ++k) y[k] = f(y[k]);
    }
  }
}

void bias_activation(std::size_t pixels, std::size_t c, const float* bias, Activation activation,
                     float* y) {
  switch (activation) {
    case Activation::none:
      return map_pixels(pixels, c, bias, y, [](float z) { return z; });
    case Activation::relu:
      return map_pixels(pixels, c, bias, y, [](float z) { return z > 0 ? z : 0.0f; });
    case Activation::leaky_relu:
      return map_pixels(pixels, c, bias, y, [](float z) { return z > 0 ? z : kLeakySlope * z; });
    case Activation::sigmoid:
      return map_pixels(pixels, c, bias, y, [](float z) { return 1 / (1 + std::exp(-z)); });
    case Activation::tanh:
      return map_pixels(pixels, c, bias, y, [](float z) { return std::tanh(z); });
  }
}

template <class F>
void map_gradient(std::size_t size, const float* y, const float* dy, float* dz, F&& slope) {
  for (std::size_t i = 0; i < size; ++i) dz[i] = dy[i] * slope(y[i]);
}

void activation_gradient(std::size_t size, Activation activation, const float* y, const float* dy,
                         float* dz) {
  switch (activation) {
    case Activation::none:
      if (dz != dy) std::copy(dy, dy + size, dz);
      return;
    case Activation::relu:
      return map_gradient(size, y, dy, dz, [](float v) { return v > 0 ? 1.0f : 0.0f; });
    case Activation::leaky_relu:
      return map_gradient(size, y, dy, dz, [](float v) { return v > 0 ? 1.0f : kLeakySlope; });
    case Activation::sigmoid:
      return map_gradient(size, y, dy, dz, [](float v) { return v * (1 - v); });
    case Activation::tanh:
      return map_gradient(size, y, dy, dz, [](float v) { return 1 - v * v; });
  }
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {

HWY_EXPORT(bias_activation);
HWY_EXPORT(activation_gradient);

void bias_activation(std::size_t pixels, std::size_t c, const float* bias, Activation activation,
                     float* y) {
  if (!bias && activation == Activation::none) return;
  const auto run = HWY_DYNAMIC_DISPATCH(bias_activation);
  parallel_for(pixels, [=](std::size_t begin, std::size_t end) {
    run(end - begin, c, bias, activation, y + begin * c);
  });
}

void activation_gradient(std::size_t size, Activation activation, const float* y, const float* dy,
                         float* dz) {
  const auto run = HWY_DYNAMIC_DISPATCH(activation_gradient);
  parallel_for(size, [=](std::size_t begin, std::size_t end) {
    run(end - begin, activation, y + begin, dy + begin, dz + begin);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
