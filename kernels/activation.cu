// Activations on the GPU. Bound by memory: 8 bytes an element forward, 12 backward.
#include "core/simt/simt.h"
#include "kernels/activation.h"

namespace tinct::gpu {
namespace {

template <Activation kKind>
__device__ float activate(float v, float slope) {
  if constexpr (kKind == Activation::relu) return v <= 0 ? 0 : v;  // NaN stays
  if constexpr (kKind == Activation::leaky_relu) return v <= 0 ? v * slope : v;
  if constexpr (kKind == Activation::sigmoid) return 1 / (1 + expf(-v));
  if constexpr (kKind == Activation::tanh) return tanhf(v);
  return v;
}

template <Activation kKind>
__device__ float derivative(float y, float slope) {
  if constexpr (kKind == Activation::relu) return y <= 0 ? 0 : 1;
  if constexpr (kKind == Activation::leaky_relu) return y <= 0 ? slope : 1;
  if constexpr (kKind == Activation::sigmoid) return y * (1 - y);
  if constexpr (kKind == Activation::tanh) return 1 - y * y;
  return 1;
}

// A thread owns vectors of four, a grid apart; the last count % 4 elements go to one thread each.
template <Activation kKind>
__global__ void forward(std::size_t count, const float* x, float* y, float slope) {
  const std::size_t vectors = count / 4, step = item_step();
  for (std::size_t i = first_item(); i < vectors; i += step) {
    float4 v = reinterpret_cast<const float4*>(x)[i];
    v.x = activate<kKind>(v.x, slope);
    v.y = activate<kKind>(v.y, slope);
    v.z = activate<kKind>(v.z, slope);
    v.w = activate<kKind>(v.w, slope);
    reinterpret_cast<float4*>(y)[i] = v;
  }
  const std::size_t last = 4 * vectors + first_item();
  if (last < count) y[last] = activate<kKind>(x[last], slope);
}

template <Activation kKind>
__global__ void backward(std::size_t count, const float* y, const float* dy, float* dx,
                         float slope) {
  const std::size_t vectors = count / 4, step = item_step();
  for (std::size_t i = first_item(); i < vectors; i += step) {
    const float4 a = reinterpret_cast<const float4*>(y)[i];
    float4 g = reinterpret_cast<const float4*>(dy)[i];
    g.x *= derivative<kKind>(a.x, slope);
    g.y *= derivative<kKind>(a.y, slope);
    g.z *= derivative<kKind>(a.z, slope);
    g.w *= derivative<kKind>(a.w, slope);
    reinterpret_cast<float4*>(dx)[i] = g;
  }
  const std::size_t last = 4 * vectors + first_item();
  if (last < count) dx[last] = dy[last] * derivative<kKind>(y[last], slope);
}

// The kind as a compile-time constant.
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

}  // namespace

void activation(Activation kind, std::size_t count, const float* x, float* y, float slope) {
  if (count == 0) return;
  with_kind(kind, [=]<Activation kKind>() {
    launch(over(ceil_div<std::size_t>(count, 4)), forward<kKind>, count, x, y, slope);
  });
}

void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope) {
  if (count == 0) return;
  with_kind(kind, [=]<Activation kKind>() {
    launch(over(ceil_div<std::size_t>(count, 4)), backward<kKind>, count, y, dy, dx, slope);
  });
}

}  // namespace tinct::gpu
