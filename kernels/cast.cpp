// Between f32 and bf16 on the CPU: for tests and for what leaves a device.
#include "kernels/cast.h"

#include "core/simt/bf16.h"

namespace tinct::cpu {

void cast(std::size_t count, const float* x, bf16* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = to_bf16(x[i]);
}

void cast(std::size_t count, const bf16* x, float* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = to_float(x[i]);
}

}  // namespace tinct::cpu
