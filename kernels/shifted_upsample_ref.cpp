// Products upsampled, shifted and added: the plain reference.
#include <vector>

#include "kernels/shifted_upsample.h"

namespace tinct::ref {
namespace {

// Calls f(offset in g, offset in y, weight) for every product and output pixel that touch.
template <class F>
void for_each_term(const ShiftedUpsample& s, F f) {
  const BilinearAxis rows = bilinear_axis(s.h, s.oh, s.align);
  const BilinearAxis columns = bilinear_axis(s.w, s.ow, s.align);
  const std::size_t half = s.kernel / 2;
  for (std::size_t y = 0; y < s.oh; ++y) {
    for (std::size_t x = 0; x < s.ow; ++x) {
      for (std::size_t t = 0; t < s.kernel * s.kernel; ++t) {
        const std::size_t py = y + t / s.kernel;
        const std::size_t px = x + t % s.kernel;
        if (py < half || py >= s.oh + half || px < half || px >= s.ow + half) continue;
        const std::size_t r = py - half;
        const std::size_t c = px - half;
        const auto product = [&](std::size_t iy, std::size_t ix) {
          return ((iy * s.w + ix) * s.kernel * s.kernel + t) * s.c;
        };
        const double wy = rows.weight[r];
        const double wx = columns.weight[c];
        const std::size_t out = (y * s.ow + x) * s.y_pixel;
        f(product(rows.first[r], columns.first[c]), out, (1 - wy) * (1 - wx));
        f(product(rows.first[r], columns.second[c]), out, (1 - wy) * wx);
        f(product(rows.second[r], columns.first[c]), out, wy * (1 - wx));
        f(product(rows.second[r], columns.second[c]), out, wy * wx);
      }
    }
  }
}

}  // namespace

void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y) {
  std::vector<double> sum(s.oh * s.ow * s.y_pixel);
  for_each_term(s, [&](std::size_t in, std::size_t out, double weight) {
    for (std::size_t i = 0; i < s.c; ++i) sum[out + i] += weight * g[in + i];
  });
  for (std::size_t p = 0; p < s.oh * s.ow; ++p) {
    for (std::size_t i = p * s.y_pixel; i < p * s.y_pixel + s.c; ++i) {
      y[i] = static_cast<float>(y[i] + sum[i]);
    }
  }
}

void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg) {
  std::vector<double> sum(s.h * s.w * s.kernel * s.kernel * s.c);
  for_each_term(s, [&](std::size_t in, std::size_t out, double weight) {
    for (std::size_t i = 0; i < s.c; ++i) sum[in + i] += weight * dy[out + i];
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dg[i] = static_cast<float>(sum[i]);
}

}  // namespace tinct::ref
