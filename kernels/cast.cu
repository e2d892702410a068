// Between f32 and bf16 on the GPU. Bound by memory: 6 bytes an element.
#include "kernels/cast.h"

#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

// A thread owns four elements, a grid apart: 16 bytes on one side, 8 on the other.
template <class From, class To>
__global__ void cast_kernel(std::size_t count, const From* x, To* y) {
  for_each_pack<float>(count,
                       [=]<int kWidth>(std::size_t i) { store(y + i, load<kWidth>(x + i)); });
}

template <class From, class To>
void run(std::size_t count, const From* x, To* y) {
  if (count == 0) return;
  launch(over_packs<float>(count), cast_kernel<From, To>, count, x, y);
}

}  // namespace

void cast(std::size_t count, const float* x, bf16* y) {
  run(count, x, y);
}
void cast(std::size_t count, const bf16* x, float* y) {
  run(count, x, y);
}

}  // namespace tinct::gpu
