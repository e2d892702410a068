// Addition on the GPU. Bound by memory: 12 bytes an element, 6 for bf16.
#include "kernels/add.h"

#include "core/simt/pack.h"
#include "kernels/activation_device.h"

namespace tinct::gpu {
namespace {

// A thread owns packs of 16 bytes, a grid apart.
template <Activation kKind, class T>
__global__ void add_kernel(std::size_t count, const T* a, const T* b, T* y) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    const Pack<kWidth> u = load<kWidth>(a + i), v = load<kWidth>(b + i);
    Pack<kWidth> sum;
    for (int k = 0; k < kWidth; ++k) sum.v[k] = activate<kKind>(u.v[k] + v.v[k]);
    store(y + i, sum);
  });
}

template <class T>
void run(std::size_t count, const T* a, const T* b, Activation activation, T* y) {
  if (count == 0) return;
  with_kind(activation, [=]<Activation kKind>() {
    launch(over_packs<T>(count), add_kernel<kKind, T>, count, a, b, y);
  });
}

}  // namespace

void add(std::size_t count, const float* a, const float* b, Activation activation, float* y) {
  run(count, a, b, activation, y);
}
void add(std::size_t count, const bf16* a, const bf16* b, Activation activation, bf16* y) {
  run(count, a, b, activation, y);
}

}  // namespace tinct::gpu
