// Average pooling as it is written down.
#include <algorithm>
#include <vector>

#include "kernels/average_pool.h"

namespace tinct {

namespace {

std::vector<std::size_t> divisors(std::size_t outputs, std::size_t extent, std::size_t kernel,
                                  std::size_t stride, std::size_t before, std::size_t after,
                                  bool count_include_pad) {
  std::vector<std::size_t> out(outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    const PoolRange range = pool_range(o, extent, kernel, stride, before);
    out[o] = count_include_pad ? std::min(kernel, extent + before + after - o * stride)
                               : range.end - range.begin;
  }
  return out;
}

}  // namespace

PoolDivisors average_pool_divisors(const PoolShape& s, bool count_include_pad) {
  const PoolWindow& p = s.window;
  return {divisors(s.oh(), s.x.h, p.kh, p.stride_h, p.pad_top, p.pad_bottom, count_include_pad),
          divisors(s.ow(), s.x.w, p.kw, p.stride_w, p.pad_left, p.pad_right, count_include_pad)};
}

namespace ref {
namespace {

// Calls f(x index, y index, divisor) for every element of every window.
template <class F>
void for_each_element(const PoolShape& s, bool count_include_pad, F&& f) {
  const PoolWindow& p = s.window;
  const PoolDivisors divide = average_pool_divisors(s, count_include_pad);
  for (std::size_t b = 0; b < s.x.n; ++b) {
    for (std::size_t oy = 0; oy < s.oh(); ++oy) {
      for (std::size_t ox = 0; ox < s.ow(); ++ox) {
        const PoolRange rows = pool_range(oy, s.x.h, p.kh, p.stride_h, p.pad_top);
        const PoolRange columns = pool_range(ox, s.x.w, p.kw, p.stride_w, p.pad_left);
        const double divisor = static_cast<double>(divide.rows[oy] * divide.columns[ox]);
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
