// Running figures, on the CPU.
#include "kernels/move_towards.h"

namespace tinct::cpu {

void move_towards(std::size_t count, const float* x, float momentum, double factor,
                  float* running) {
  for (std::size_t i = 0; i < count; ++i) {
    running[i] = static_cast<float>(running[i] + momentum * (x[i] * factor - running[i]));
  }
}

}  // namespace tinct::cpu
