// Filling and adding arrays on the GPU. Bound by memory: 4 and 12 bytes an element.
#include "core/arithmetic.h"

#include "core/simt/simt.h"

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

__global__ void accumulate_kernel(std::size_t count, const float* a, const float* b, float* sum) {
  const std::size_t vectors = count / 4, step = item_step();
  for (std::size_t i = first_item(); i < vectors; i += step) {
    float4 v = reinterpret_cast<const float4*>(a)[i];
    const float4 w = reinterpret_cast<const float4*>(b)[i];
    v.x += w.x;
    v.y += w.y;
    v.z += w.z;
    v.w += w.w;
    reinterpret_cast<float4*>(sum)[i] = v;
  }
  const std::size_t last = 4 * vectors + first_item();
  if (last < count) sum[last] = a[last] + b[last];
}

}  // namespace

void fill(std::size_t count, float value, float* x) {
  if (count == 0) return;
  launch(over((count + 3) / 4), fill_kernel, count, value, x);
}

void accumulate(std::size_t count, const float* a, const float* b, float* sum) {
  if (count == 0) return;
  launch(over((count + 3) / 4), accumulate_kernel, count, a, b, sum);
}

}  // namespace tinct::gpu
