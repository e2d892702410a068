// Levels as numbers, on the CPU.
#include "kernels/levels.h"

namespace tinct::cpu {

void from_levels(std::size_t count, const std::uint8_t* levels, float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(levels[i]) / 255.0f;
}

}  // namespace tinct::cpu
