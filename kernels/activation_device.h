// The activations of one value, for kernels that apply them.
#pragma once

#include "core/simt/simt.h"
#include "kernels/activation_kind.h"

namespace tinct::gpu {

/// NaN stays NaN.
template <Activation kKind>
__device__ __forceinline__ float activate(float v, float slope = kLeakySlope) {
  if constexpr (kKind == Activation::relu) return v <= 0 ? 0 : v;
  if constexpr (kKind == Activation::leaky_relu) return v <= 0 ? v * slope : v;
  if constexpr (kKind == Activation::sigmoid) return 1 / (1 + expf(-v));
  if constexpr (kKind == Activation::tanh) return tanhf(v);
  return v;
}

/// From the output y.
template <Activation kKind>
__device__ __forceinline__ float activation_derivative(float y, float slope = kLeakySlope) {
  if constexpr (kKind == Activation::relu) return y <= 0 ? 0 : 1;
  if constexpr (kKind == Activation::leaky_relu) return y <= 0 ? slope : 1;
  if constexpr (kKind == Activation::sigmoid) return y * (1 - y);
  if constexpr (kKind == Activation::tanh) return 1 - y * y;
  return 1;
}

/// Calls f<kind>() on the host, the kind as a compile-time constant.
template <class F>
void with_kind(Activation kind, F&& f) {
  switch (kind) {
    case Activation::none:
      return f.template operator()<Activation::none>();
    case Activation::relu:
      return f.template operator()<Activation::relu>();
    case Activation::leaky_relu:
      return f.template operator()<Activation::leaky_relu>();
    case Activation::sigmoid:
      return f.template operator()<Activation::sigmoid>();
    case Activation::tanh:
      return f.template operator()<Activation::tanh>();
  }
}

}  // namespace tinct::gpu
