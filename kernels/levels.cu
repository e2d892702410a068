// Levels as numbers, on the GPU. Bound by memory: 5 bytes an element.
#include "kernels/levels.h"

#include "core/simt/simt.h"

namespace tinct::gpu {
namespace {

__device__ float number(std::uint8_t level) {
  return static_cast<float>(level) / 255.0f;
}

// A thread owns four elements, a grid apart; the last count % 4 go to one thread each.
__global__ void from_levels_kernel(std::size_t count, const std::uint8_t* levels, float* values) {
  const std::size_t vectors = count / 4;
  for (std::size_t i = first_item(); i < vectors; i += item_step()) {
    const uchar4 v = reinterpret_cast<const uchar4*>(levels)[i];
    reinterpret_cast<float4*>(values)[i] =
        make_float4(number(v.x), number(v.y), number(v.z), number(v.w));
  }
  const std::size_t last = 4 * vectors + first_item();
  if (last < count) values[last] = number(levels[last]);
}

}  // namespace

void from_levels(std::size_t count, const std::uint8_t* levels, float* values) {
  if (count == 0) return;
  launch(over(ceil_div<std::size_t>(count, 4)), from_levels_kernel, count, levels, values);
}

}  // namespace tinct::gpu
