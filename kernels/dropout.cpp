// Dropout on the CPU.
#include "kernels/dropout.h"

namespace tinct::cpu {

void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y) {
  ref::dropout(random, rate, count, x, y);
}

}  // namespace tinct::cpu
