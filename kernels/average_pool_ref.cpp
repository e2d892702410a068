// Average pooling as it is written down.
#include <algorithm>
#include <vector>

#include "kernels/average_pool.h"

namespace tinct {

std::size_t average_pool_divisor(const PoolShape& s, bool count_include_pad, std::size_t oy,
                                 std::size_t ox) {
  const PoolWindow& p = s.window;
  if (count_include_pad) {
    const std::size_t top = oy * p.stride_h;
    const std::size_t left = ox * p.stride_w;
    return (std::min(top + p.kh, s.x.h + p.pad_top + p.pad_bottom) - top) *
           (std::min(left + p.kw, s.x.w + p.pad_left + p.pad_right) - left);
  }
  const PoolRange rows = pool_range(oy, s.x.h, p.kh, p.stride_h, p.pad_top);
  const PoolRange columns = pool_range(ox, s.x.w, p.kw, p.stride_w, p.pad_left);
  return (rows.end - rows.begin) * (columns.end - columns.begin);
}

namespace ref {
namespace {

// Calls f(x index, y index, divisor) for every element of every window.
template <class F>
void for_each_element(const PoolShape& s, bool count_include_pad, F&& f) {
  const PoolWindow& p = s.window;
  for (std::size_t b = 0; b < s.x.n; ++b) {
    for (std::size_t oy = 0; oy < s.oh(); ++oy) {
      for (std::size_t ox = 0; ox < s.ow(); ++ox) {
        const PoolRange rows = pool_range(oy, s.x.h, p.kh, p.stride_h, p.pad_top);
        const PoolRange columns = pool_range(ox, s.x.w, p.kw, p.stride_w, p.pad_left);
        const double divisor =
            static_cast<double>(average_pool_divisor(s, count_include_pad, oy, ox));
        for (std::size_t iy = rows.begin; iy < rows.end; ++iy) {
          for (std::size_t ix = columns.begin; ix < columns.end; ++ix) {
            for (std::size_t c = 0; c < s.x.c; ++c) {
              f(((b * s.x.h + iy) * s.x.w + ix) * s.x.c + c,
                ((b * s.oh() + oy) * s.ow() + ox) * s.x.c + c, divisor);
            }
          }
        }
      }
    }
  }
}

}  // namespace

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y) {
  std::vector<double> sum(s.y().size());
  for_each_element(s, count_include_pad,
                   [&](std::size_t i, std::size_t o, double divisor) { sum[o] += x[i] / divisor; });
  for (std::size_t o = 0; o < sum.size(); ++o) y[o] = static_cast<float>(sum[o]);
}

void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx) {
  std::vector<double> sum(s.x.size());
  for_each_element(s, count_include_pad, [&](std::size_t i, std::size_t o, double divisor) {
    sum[i] += dy[o] / divisor;
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<float>(sum[i]);
}

}  // namespace ref
}  // namespace tinct
