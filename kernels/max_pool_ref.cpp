// Max pooling as it is written down.
#include <cmath>
#include <vector>

#include "kernels/max_pool.h"

namespace tinct::ref {
namespace {

// Calls f(output index, indices of its window's rows and columns) for each output.
template <class F>
void for_each_window(const PoolShape& s, F&& f) {
  const PoolWindow& p = s.window;
  for (std::size_t b = 0; b < s.x.n; ++b) {
    for (std::size_t oy = 0; oy < s.oh(); ++oy) {
      for (std::size_t ox = 0; ox < s.ow(); ++ox) {
        f(b, oy, ox, pool_range(oy, s.x.h, p.kh, p.stride_h, p.pad_top),
          pool_range(ox, s.x.w, p.kw, p.stride_w, p.pad_left));
      }
    }
  }
}

}  // namespace

void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which) {
  const PoolWindow& p = s.window;
  for_each_window(
      s, [&](std::size_t b, std::size_t oy, std::size_t ox, PoolRange rows, PoolRange columns) {
        for (std::size_t c = 0; c < s.x.c; ++c) {
          float best = 0;
          std::size_t position = kMaxPoolWindow;
          for (std::size_t iy = rows.begin; iy < rows.end; ++iy) {
            for (std::size_t ix = columns.begin; ix < columns.end; ++ix) {
              const float v = x[((b * s.x.h + iy) * s.x.w + ix) * s.x.c + c];
              if (position == kMaxPoolWindow || v > best || std::isnan(v)) {
                best = v;
                position =
                    (iy + p.pad_top - oy * p.stride_h) * p.kw + ix + p.pad_left - ox * p.stride_w;
              }
            }
          }
          const std::size_t at = ((b * s.oh() + oy) * s.ow() + ox) * s.x.c + c;
          y[at] = best;
          if (which) which[at] = static_cast<std::uint8_t>(position);
        }
      });
}

void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx) {
  const PoolWindow& p = s.window;
  std::vector<double> sum(s.x.size());
  for_each_window(s, [&](std::size_t b, std::size_t oy, std::size_t ox, PoolRange, PoolRange) {
    for (std::size_t c = 0; c < s.x.c; ++c) {
      const std::size_t at = ((b * s.oh() + oy) * s.ow() + ox) * s.x.c + c;
      const std::size_t iy = oy * p.stride_h + which[at] / p.kw - p.pad_top;
      const std::size_t ix = ox * p.stride_w + which[at] % p.kw - p.pad_left;
      sum[((b * s.x.h + iy) * s.x.w + ix) * s.x.c + c] += dy[at];
    }
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<float>(sum[i]);
}

}  // namespace tinct::ref
