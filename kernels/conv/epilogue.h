// What GPU convolutions do to a sum on its way out. Included by .cu files alone.
#pragma once

#include "kernels/activation_device.h"

namespace tinct::gpu {

/// The kind at run time: one uniform branch an output, beside the hundreds of multiply-adds that
/// made it.
__device__ __forceinline__ float activate(Activation kind, float v) {
  switch (kind) {
    case Activation::none:
      break;
    case Activation::relu:
      return activate<Activation::relu>(v);
    case Activation::leaky_relu:
      return activate<Activation::leaky_relu>(v);
    case Activation::sigmoid:
      return activate<Activation::sigmoid>(v);
    case Activation::tanh:
      return activate<Activation::tanh>(v);
  }
  return v;
}

/// Calls f<kind>(): one branch around a loop over registers.
template <class F>
__device__ __forceinline__ void for_activation(Activation kind, F&& f) {
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

/// The slope at and below zero of an activation that is two straight lines. Such cost a kernel full
/// of sums no registers; the others follow in a launch of their own.
inline bool is_straight(Activation kind) {
  return kind == Activation::none || kind == Activation::relu || kind == Activation::leaky_relu;
}
inline float slope_of(Activation kind) {
  return kind == Activation::relu ? 0 : kind == Activation::leaky_relu ? kLeakySlope : 1;
}
/// NaN stays NaN.
__device__ __forceinline__ float bend(float v, float slope) {
  return v <= 0 ? (slope == 0 ? 0 : v * slope) : v;
}

}  // namespace tinct::gpu
