// Running figures, on the GPU. Bound by memory: 12 bytes an element; a few hundred elements, once a
// step, so scalar loads will do.
#include "core/simt/simt.h"
#include "kernels/move_towards.h"

namespace tinct::gpu {
namespace {

__global__ void move_kernel(std::size_t count, const float* x, float momentum, float factor,
                            float* running) {
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    running[i] += momentum * (x[i] * factor - running[i]);
  }
}

}  // namespace

void move_towards(std::size_t count, const float* x, float momentum, double factor,
                  float* running) {
  if (count == 0) return;
  launch(over(count), move_kernel, count, x, momentum, static_cast<float>(factor), running);
}

}  // namespace tinct::gpu
