// Bilinear resizing: the plain reference, and the positions that both versions read.
#include <algorithm>
#include <cmath>

#include "kernels/bilinear_upsample.h"

namespace tinct {
namespace {

double source(std::size_t o, std::size_t in, std::size_t out, Align align) {
  const double i = static_cast<double>(in);
  const double n = static_cast<double>(out);
  const double at = static_cast<double>(o);
  switch (align) {
    case Align::half_pixel:
      return std::max((at + 0.5) * i / n - 0.5, 0.0);
    case Align::corners:
      return out == 1 ? 0.0 : at * (i - 1) / (n - 1);
    case Align::legacy:
      break;
  }
  return at * i / n;
}

}  // namespace

BilinearAxis bilinear_axis(std::size_t in, std::size_t out, Align align) {
  BilinearAxis axis;
  for (std::size_t o = 0; o < out; ++o) {
    const double at = std::min(source(o, in, out, align), static_cast<double>(in - 1));
    const std::size_t first = static_cast<std::size_t>(at);
    axis.first.push_back(first);
    axis.second.push_back(std::min(first + 1, in - 1));
    axis.weight.push_back(static_cast<float>(at - static_cast<double>(first)));
  }
  return axis;
}

namespace ref {
namespace {

// Calls f(input offset, output offset, weight) for every pair of pixels that touch.
template <class F>
void for_each_tap(const Shape& s, std::size_t oh, std::size_t ow, Align align, F f) {
  const BilinearAxis rows = bilinear_axis(s.h, oh, align);
  const BilinearAxis columns = bilinear_axis(s.w, ow, align);
  for (std::size_t n = 0; n < s.n; ++n) {
    for (std::size_t y = 0; y < oh; ++y) {
      for (std::size_t x = 0; x < ow; ++x) {
        const std::size_t out = ((n * oh + y) * ow + x) * s.c;
        const double wy = rows.weight[y];
        const double wx = columns.weight[x];
        const auto in = [&](std::size_t iy, std::size_t ix) {
          return ((n * s.h + iy) * s.w + ix) * s.c;
        };
        f(in(rows.first[y], columns.first[x]), out, (1 - wy) * (1 - wx));
        f(in(rows.first[y], columns.second[x]), out, (1 - wy) * wx);
        f(in(rows.second[y], columns.first[x]), out, wy * (1 - wx));
        f(in(rows.second[y], columns.second[x]), out, wy * wx);
      }
    }
  }
}

}  // namespace

void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y) {
  std::vector<double> sum(s.n * oh * ow * s.c);
  for_each_tap(s, oh, ow, align, [&](std::size_t in, std::size_t out, double weight) {
    for (std::size_t c = 0; c < s.c; ++c) sum[out + c] += weight * x[in + c];
  });
  for (std::size_t i = 0; i < sum.size(); ++i) y[i] = static_cast<float>(sum[i]);
}

void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx) {
  std::vector<double> sum(s.size());
  for_each_tap(s, oh, ow, align, [&](std::size_t in, std::size_t out, double weight) {
    for (std::size_t c = 0; c < s.c; ++c) sum[in + c] += weight * dy[out + c];
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<float>(sum[i]);
}

}  // namespace ref
}  // namespace tinct
