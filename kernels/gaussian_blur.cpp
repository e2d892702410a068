// Gaussian blur on the CPU: a row at a time, both directions while it is in cache.
#include "kernels/gaussian_blur.h"

#include "core/threads.h"
#include "kernels/blur_row.h"

namespace tinct::cpu {

void gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border, const float* x,
                   float* y) {
  const std::size_t row = s.w * s.c;
  const std::ptrdiff_t radius = static_cast<std::ptrdiff_t>(taps.size() / 2);
  parallel_for(s.n * s.h, [&](std::size_t begin, std::size_t end) {
    RowBlur blur(s.w, s.c, taps, border);
    std::vector<const float*> rows(taps.size());
    for (std::size_t i = begin; i < end; ++i) {
      const float* image = x + i / s.h * s.h * row;
      for (std::ptrdiff_t k = 0; k <= 2 * radius; ++k) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i % s.h) + k - radius;
        const bool outside = at < 0 || at >= static_cast<std::ptrdiff_t>(s.h);
        rows[k] =
            outside && border == Border::zero ? nullptr : image + symmetric_index(at, s.h) * row;
      }
      blur(rows.data(), y + i * row);
    }
  });
}

}  // namespace tinct::cpu
