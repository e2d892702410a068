// An array times a number, on the GPU. Bound by memory: 8 bytes an element, 4 for bf16.
#include "kernels/scale.h"

#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

// A thread owns packs of 16 bytes, a grid apart.
template <class T>
__global__ void scale_kernel(std::size_t count, float factor, const T* x, T* y) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    Pack<kWidth> v = load<kWidth>(x + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] *= factor;
    store(y + i, v);
  });
}

__global__ void scale_shift_kernel(std::size_t count, float factor, float shift, const float* x,
                                   float* y) {
  for_each_pack<float>(count, [=]<int kWidth>(std::size_t i) {
    Pack<kWidth> v = load<kWidth>(x + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] = __fadd_rn(__fmul_rn(v.v[k], factor), shift);
    store(y + i, v);
  });
}

template <class T>
void run(std::size_t count, float factor, const T* x, T* y) {
  if (count == 0) return;
  launch(over_packs<T>(count), scale_kernel<T>, count, factor, x, y);
}

}  // namespace

void scale(std::size_t count, float factor, const float* x, float* y) {
  run(count, factor, x, y);
}
void scale(std::size_t count, float factor, const bf16* x, bf16* y) {
  run(count, factor, x, y);
}

void scale_shift(std::size_t count, float factor, float shift, const float* x, float* y) {
  if (count == 0) return;
  launch(over_packs<float>(count), scale_shift_kernel, count, factor, shift, x, y);
}

}  // namespace tinct::gpu
