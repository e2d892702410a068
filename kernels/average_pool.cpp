// Average pooling on the CPU.
#include "kernels/average_pool.h"

namespace tinct::cpu {

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y) {
  ref::average_pool(s, count_include_pad, x, y);
}

void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx) {
  ref::average_pool_backward(s, count_include_pad, dy, dx);
}

}  // namespace tinct::cpu
