// Addition on the CPU.
#include "kernels/add.h"

namespace tinct::cpu {

void add(std::size_t count, const float* a, const float* b, Activation activation, float* y) {
  ref::add(count, a, b, activation, y);
}

}  // namespace tinct::cpu
