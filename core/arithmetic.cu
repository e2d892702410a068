// Filling and adding arrays on the GPU. Bound by memory: 4 and 12 bytes an element, half of that
// for bf16.
#include "core/arithmetic.h"

#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

// Threads own vectors of four, a grid apart; the last count % 4 elements go to one thread each.
__global__ void fill_kernel(std::size_t count, float value, float* x) {
  const std::size_t vectors = count / 4, step = item_step();
  const float4 v = make_float4(value, value, value, value);
  for (std::size_t i = first_item(); i < vectors; i += step) reinterpret_cast<float4*>(x)[i] = v;
  const std::size_t last = 4 * vectors + first_item();
  if (last < count) x[last] = value;
}

// A thread owns packs of 16 bytes, a grid apart.
template <class T>
__global__ void accumulate_kernel(std::size_t count, const T* a, const T* b, T* sum) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    Pack<kWidth> v = load<kWidth>(a + i);
    const Pack<kWidth> w = load<kWidth>(b + i);
    for (int k = 0; k < kWidth; ++k) v.v[k] += w.v[k];
    store(sum + i, v);
  });
}

template <class T>
void run(std::size_t count, const T* a, const T* b, T* sum) {
  if (count == 0) return;
  launch(over_packs<T>(count), accumulate_kernel<T>, count, a, b, sum);
}

}  // namespace

void fill(std::size_t count, float value, float* x) {
  if (count == 0) return;
  launch(over((count + 3) / 4), fill_kernel, count, value, x);
}

void accumulate(std::size_t count, const float* a, const float* b, float* sum) {
  run(count, a, b, sum);
}
void accumulate(std::size_t count, const bf16* a, const bf16* b, bf16* sum) {
  run(count, a, b, sum);
}

}  // namespace tinct::gpu
