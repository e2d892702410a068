// The activations of one value, for kernels that apply them.
#pragma once

#include "core/host_device.h"
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

/// Returns f<kind>(), the kind as a compile-time constant: on the host around a launch, in a kernel
/// one uniform branch around a loop over registers. f runs where the caller does, which nvcc cannot
/// see.
#pragma nv_exec_check_disable
template <class F>
TINCT_HOST_DEVICE __forceinline__ auto with_kind(Activation kind, F&& f) {
  switch (kind) {
    case Activation::none:
      break;
    case Activation::relu:
      return f.template operator()<Activation::relu>();
    case Activation::leaky_relu:
      return f.template operator()<Activation::leaky_relu>();
    case Activation::sigmoid:
      return f.template operator()<Activation::sigmoid>();
    case Activation::tanh:
      return f.template operator()<Activation::tanh>();
  }
  return f.template operator()<Activation::none>();
}

/// The kind at run time: little beside the hundreds of multiply-adds that made v.
__device__ __forceinline__ float activate(Activation kind, float v) {
  return with_kind(kind, [=]<Activation kKind>() { return activate<kKind>(v); });
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
