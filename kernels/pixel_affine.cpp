// Small matrices over pixels, on the CPU.
#include "kernels/pixel_affine.h"

#include <algorithm>

#include "core/threads.h"

namespace tinct::cpu {

void pixel_affine(const PixelAffine& map, std::size_t pixels, const float* x, const float* added,
                  float* y) {
  parallel_for(pixels, [=, &map](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      for (std::size_t o = 0; o < map.out; ++o) {
        float sum = map.shift[o] + (added != nullptr ? added[p] : 0);
        for (std::size_t i = 0; i < map.in; ++i) sum += map.factor[o][i] * x[p * map.in + i];
        y[p * map.out + o] = map.clip ? std::clamp(sum, 0.0f, 1.0f) : sum;
      }
    }
  });
}

void pixel_affine_backward(const PixelAffine& map, std::size_t pixels, const float* y,
                           const float* dy, float* dx) {
  parallel_for(pixels, [=, &map](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      for (std::size_t i = 0; i < map.in; ++i) {
        float sum = 0;
        for (std::size_t o = 0; o < map.out; ++o) {
          const std::size_t at = p * map.out + o;
          if (!map.clip || (y[at] > 0 && y[at] < 1)) sum += map.factor[o][i] * dy[at];
        }
        dx[p * map.in + i] = sum;
      }
    }
  });
}

}  // namespace tinct::cpu
