// Convolutions in float64, an element at a time.
#include "bench/gpu/conv_samples.h"

#include <algorithm>

namespace tinct::bench {
namespace {

// The first and last element, and others spread over the array by a prime step.
std::vector<Sample> spread(std::size_t size, std::size_t most) {
  std::vector<Sample> samples = {{0, 0}, {size - 1, 0}};
  const std::size_t step = std::max<std::size_t>(1, size / most) * 7919 % size;
  for (std::size_t i = 0, at = step; i < most && i < size; ++i, at = (at + step + 1) % size) {
    samples.push_back({at, 0});
  }
  return samples;
}

// Position `at` of the padded input, of the kernel's tap and output o, as an input index; `extent`
// where it is padding.
std::size_t input_index(std::size_t o, std::size_t tap, std::size_t stride, std::size_t dilation,
                        std::size_t pad, std::size_t extent) {
  const std::size_t at = o * stride + tap * dilation;
  return at >= pad && at - pad < extent ? at - pad : extent;
}

// Calls f(oy, ox, iy, ix, ky, kx) for each tap of output (oy,ox) inside the picture.
template <class F>
void for_each_tap(const Conv2dShape& s, std::size_t oy, std::size_t ox, F&& f) {
  for (std::size_t ky = 0; ky < s.kh; ++ky) {
    const std::size_t iy = input_index(oy, ky, s.stride_h, s.dilation_h, s.pad_top, s.h);
    if (iy == s.h) continue;
    for (std::size_t kx = 0; kx < s.kw; ++kx) {
      const std::size_t ix = input_index(ox, kx, s.stride_w, s.dilation_w, s.pad_left, s.w);
      if (ix != s.w) f(iy, ix, ky, kx);
    }
  }
}

double dot(std::size_t count, const NumberAt& a, std::size_t a_begin, const NumberAt& b,
           std::size_t b_begin, std::size_t b_step) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += double{a(a_begin + i)} * b(b_begin + i * b_step);
  }
  return sum;
}

}  // namespace

std::vector<Sample> forward_samples(const Conv2dShape& s, const NumberAt& x, const NumberAt& w,
                                    const NumberAt& bias, bool relu) {
  std::vector<Sample> samples = spread(s.y_size(), 256);
  for (Sample& sample : samples) {
    const std::size_t k = sample.index % s.k, ox = sample.index / s.k % s.ow();
    const std::size_t oy = sample.index / s.k / s.ow() % s.oh();
    const std::size_t n = sample.index / s.k / s.ow() / s.oh();
    double sum = bias(k);
    for_each_tap(s, oy, ox, [&](std::size_t iy, std::size_t ix, std::size_t ky, std::size_t kx) {
      sum +=
          dot(s.c, x, ((n * s.h + iy) * s.w + ix) * s.c, w, ((k * s.kh + ky) * s.kw + kx) * s.c, 1);
    });
    sample.expected = relu ? std::max(sum, 0.0) : sum;
  }
  return samples;
}

std::vector<Sample> backward_data_samples(const Conv2dShape& s, const NumberAt& dy,
                                          const NumberAt& w) {
  std::vector<Sample> samples = spread(s.x_size(), 256);
  const std::size_t filter = s.kh * s.kw * s.c;
  for (Sample& sample : samples) {
    const std::size_t c = sample.index % s.c, x = sample.index / s.c % s.w;
    const std::size_t y = sample.index / s.c / s.w % s.h, n = sample.index / s.c / s.w / s.h;
    for (std::size_t ky = 0; ky < s.kh; ++ky) {
      for (std::size_t kx = 0; kx < s.kw; ++kx) {
        const std::size_t up = y + s.pad_top, left = x + s.pad_left;
        const std::size_t skip_y = ky * s.dilation_h, skip_x = kx * s.dilation_w;
        if (up < skip_y || left < skip_x) continue;
        if ((up - skip_y) % s.stride_h != 0 || (left - skip_x) % s.stride_w != 0) continue;
        const std::size_t oy = (up - skip_y) / s.stride_h, ox = (left - skip_x) / s.stride_w;
        if (oy >= s.oh() || ox >= s.ow()) continue;
        sample.expected += dot(s.k, dy, ((n * s.oh() + oy) * s.ow() + ox) * s.k, w,
                               (ky * s.kw + kx) * s.c + c, filter);
      }
    }
  }
  return samples;
}

std::vector<Sample> backward_weights_samples(const Conv2dShape& s, const NumberAt& x,
                                             const NumberAt& dy) {
  std::vector<Sample> samples = spread(s.w_size(), 12);
  for (Sample& sample : samples) {
    const std::size_t c = sample.index % s.c, kx = sample.index / s.c % s.kw;
    const std::size_t ky = sample.index / s.c / s.kw % s.kh;
    const std::size_t k = sample.index / s.c / s.kw / s.kh;
    for (std::size_t oy = 0; oy < s.oh(); ++oy) {
      const std::size_t iy = input_index(oy, ky, s.stride_h, s.dilation_h, s.pad_top, s.h);
      if (iy == s.h) continue;
      for (std::size_t ox = 0; ox < s.ow(); ++ox) {
        const std::size_t ix = input_index(ox, kx, s.stride_w, s.dilation_w, s.pad_left, s.w);
        if (ix == s.w) continue;
        for (std::size_t n = 0; n < s.n; ++n) {
          sample.expected += double{x(((n * s.h + iy) * s.w + ix) * s.c + c)} *
                             dy(((n * s.oh() + oy) * s.ow() + ox) * s.k + k);
        }
      }
    }
  }
  return samples;
}

}  // namespace tinct::bench
