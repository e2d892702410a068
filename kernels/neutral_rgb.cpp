// Lightness as grey RGB, and as blocks of pixels, on the CPU.
#include "kernels/neutral_rgb.h"

#include <algorithm>

#include "core/threads.h"
#include "kernels/colour.h"

namespace tinct::cpu {

void neutral_rgb(std::size_t pixels, const float* x, float* rgb) {
  constexpr std::size_t kBlock = 1024;  // stays in cache between the two passes
  parallel_for((pixels + kBlock - 1) / kBlock, [=](std::size_t begin, std::size_t end) {
    for (std::size_t block = begin; block < end; ++block) {
      const std::size_t first = block * kBlock;
      const std::size_t count = std::min(kBlock, pixels - first);
      float* out = rgb + 3 * first;
      for (std::size_t i = 0; i < count; ++i) {
        out[3 * i] = std::clamp(x[first + i] * 50 + 50, 0.0f, 100.0f);
        out[3 * i + 1] = out[3 * i + 2] = 0;
      }
      lab_to_srgb(count, out, out);
    }
  });
}

void space_to_depth(const Shape& s, std::size_t side, const float* x, float* y) {
  for (std::size_t row = 0; row < s.n * s.h / side; ++row) {
    for (std::size_t column = 0; column < s.w / side; ++column) {
      for (std::size_t dy = 0; dy < side; ++dy) {
        y = std::copy_n(x + (row * side + dy) * s.w + column * side, side, y);
      }
    }
  }
}

}  // namespace tinct::cpu
