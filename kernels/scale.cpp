// An array times a number, on the CPU.
#include "kernels/scale.h"

namespace tinct::cpu {

void scale(std::size_t count, float factor, const float* x, float* y) {
  ref::scale(count, factor, x, y);
}

}  // namespace tinct::cpu
