// Max pooling on the CPU.
#include "kernels/max_pool.h"

namespace tinct::cpu {

void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which) {
  ref::max_pool(s, x, y, which);
}

void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx) {
  ref::max_pool_backward(s, which, dy, dx);
}

}  // namespace tinct::cpu
