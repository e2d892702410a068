// Activations on the GPU. Bound by memory: 8 bytes an element forward, 12 backward; half of that
// for bf16.
#include "core/simt/pack.h"
#include "kernels/activation.h"
#include "kernels/activation_device.h"

namespace tinct::gpu {
namespace {

// A thread owns packs of 16 bytes, a grid apart.
template <Activation kKind, class T>
__global__ void forward(std::size_t count, const T* x, T* y, float slope) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    Pack<kWidth> v = load<kWidth>(x + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] = activate<kKind>(v.v[k], slope);
    store(y + i, v);
  });
}

template <Activation kKind, class T>
__global__ void backward(std::size_t count, const T* y, const T* dy, T* dx, float slope) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    const Pack<kWidth> a = load<kWidth>(y + i);
    Pack<kWidth> g = load<kWidth>(dy + i);
    for (int k = 0; k < kWidth; ++k) g.v[k] *= activation_derivative<kKind>(a.v[k], slope);
    store(dx + i, g);
  });
}

template <class T>
void run(Activation kind, std::size_t count, const T* x, T* y, float slope) {
  if (count == 0) return;
  with_kind(kind, [=]<Activation kKind>() {
    launch(over_packs<T>(count), forward<kKind, T>, count, x, y, slope);
  });
}

template <class T>
void run_backward(Activation kind, std::size_t count, const T* y, const T* dy, T* dx, float slope) {
  if (count == 0) return;
  with_kind(kind, [=]<Activation kKind>() {
    launch(over_packs<T>(count), backward<kKind, T>, count, y, dy, dx, slope);
  });
}

}  // namespace

void activation(Activation kind, std::size_t count, const float* x, float* y, float slope) {
  run(kind, count, x, y, slope);
}
void activation(Activation kind, std::size_t count, const bf16* x, bf16* y, float slope) {
  run(kind, count, x, y, slope);
}

void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope) {
  run_backward(kind, count, y, dy, dx, slope);
}
void activation_backward(Activation kind, std::size_t count, const bf16* y, const bf16* dy,
                         bf16* dx, float slope) {
  run_backward(kind, count, y, dy, dx, slope);
}

}  // namespace tinct::gpu
