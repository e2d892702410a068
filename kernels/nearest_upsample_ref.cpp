// Nearest-neighbour resizing: the plain reference.
#include <vector>

#include "kernels/nearest_upsample.h"

namespace tinct::ref {
namespace {

template <class F>
void for_each_pixel(const Shape& s, std::size_t oh, std::size_t ow, F f) {
  for (std::size_t n = 0; n < s.n; ++n) {
    for (std::size_t y = 0; y < oh; ++y) {
      for (std::size_t x = 0; x < ow; ++x) {
        f(((n * s.h + y * s.h / oh) * s.w + x * s.w / ow) * s.c, ((n * oh + y) * ow + x) * s.c);
      }
    }
  }
}

}  // namespace

void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y) {
  for_each_pixel(s, oh, ow, [&](std::size_t in, std::size_t out) {
    for (std::size_t c = 0; c < s.c; ++c) y[out + c] = x[in + c];
  });
}

void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx) {
  std::vector<double> sum(s.size());
  for_each_pixel(s, oh, ow, [&](std::size_t in, std::size_t out) {
    for (std::size_t c = 0; c < s.c; ++c) sum[in + c] += dy[out + c];
  });
  for (std::size_t i = 0; i < sum.size(); ++i) dx[i] = static_cast<float>(sum[i]);
}

}  // namespace tinct::ref
