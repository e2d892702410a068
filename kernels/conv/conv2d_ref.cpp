// Convolution as it is written down: seven loops.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/shape.h"
#include "core/threads.h"
#include "kernels/conv/conv2d.h"

namespace tinct {
namespace {

float apply(Activation activation, double v) {
  switch (activation) {
    case Activation::none:
      return static_cast<float>(v);
    case Activation::relu:
      return static_cast<float>(v > 0 ? v : 0);
    case Activation::leaky_relu:
      return static_cast<float>(v > 0 ? v : kLeakySlope * v);
    case Activation::sigmoid:
      return static_cast<float>(1 / (1 + std::exp(-v)));
    case Activation::tanh:
      return static_cast<float>(std::tanh(v));
  }
  return 0;
}

// Calls f(iy, ix, ky, kx) for every input pixel that output pixel (oy, ox) reads.
template <class F>
void for_each_tap(const Conv2dShape& s, std::size_t oy, std::size_t ox, F&& f) {
  for (std::size_t ky = 0; ky < s.kh; ++ky) {
    const std::size_t y = oy * s.stride_h + ky * s.dilation_h;  // in the padded input
    if (y < s.pad_top || y - s.pad_top >= s.h) continue;
    for (std::size_t kx = 0; kx < s.kw; ++kx) {
      const std::size_t x = ox * s.stride_w + kx * s.dilation_w;
      if (x < s.pad_left || x - s.pad_left >= s.w) continue;
      f(y - s.pad_top, x - s.pad_left, ky, kx);
    }
  }
}

}  // namespace

void Conv2dShape::check() const {
  const auto text = [this] {
    return "conv2d: input " + to_string(Shape{n, h, w, c}) + ", weights " +
           to_string(Shape{k, kh, kw, c});
  };
  for (const std::size_t extent :
       {n, h, w, c, k, kh, kw, stride_h, stride_w, dilation_h, dilation_w}) {
    if (extent == 0)
      throw std::invalid_argument(text() + ": an extent, stride or dilation is zero");
  }
  if (h + pad_top + pad_bottom < dilation_h * (kh - 1) + 1 ||
      w + pad_left + pad_right < dilation_w * (kw - 1) + 1) {
    throw std::invalid_argument(text() + ": the kernel is larger than the padded input");
  }
}

namespace ref {

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  parallel_for(s.n * oh, [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const std::size_t b = row / oh;
      for (std::size_t ox = 0; ox < ow; ++ox) {
        for (std::size_t k = 0; k < s.k; ++k) {
          double sum = bias ? bias[k] : 0.0;
          for_each_tap(s, row % oh, ox,
                       [&](std::size_t iy, std::size_t ix, std::size_t ky, std::size_t kx) {
                         const float* px = x + ((b * s.h + iy) * s.w + ix) * s.c;
                         const float* pw = w + ((k * s.kh + ky) * s.kw + kx) * s.c;
                         for (std::size_t c = 0; c < s.c; ++c) sum += double{px[c]} * pw[c];
                       });
          y[(row * ow + ox) * s.k + k] = apply(activation, sum);
        }
      }
    }
  });
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  parallel_for(s.n, [=](std::size_t begin, std::size_t end) {
    std::vector<double> sum(s.h * s.w * s.c);
    for (std::size_t b = begin; b < end; ++b) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::size_t oy = 0; oy < oh; ++oy) {
        for (std::size_t ox = 0; ox < ow; ++ox) {
          const float* pdy = dy + ((b * oh + oy) * ow + ox) * s.k;
          for_each_tap(s, oy, ox,
                       [&](std::size_t iy, std::size_t ix, std::size_t ky, std::size_t kx) {
                         double* out = sum.data() + (iy * s.w + ix) * s.c;
                         for (std::size_t k = 0; k < s.k; ++k) {
                           const float* pw = w + ((k * s.kh + ky) * s.kw + kx) * s.c;
                           for (std::size_t c = 0; c < s.c; ++c) out[c] += double{pdy[k]} * pw[c];
                         }
                       });
        }
      }
      std::copy(sum.begin(), sum.end(), dx + b * sum.size());
    }
  });
}

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db) {
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  parallel_for(s.k, [=](std::size_t begin, std::size_t end) {
    std::vector<double> sum(s.kh * s.kw * s.c);
    for (std::size_t k = begin; k < end; ++k) {
      std::fill(sum.begin(), sum.end(), 0.0);
      double bias = 0;
      for (std::size_t row = 0; row < s.n * oh; ++row) {
        for (std::size_t ox = 0; ox < ow; ++ox) {
          const double g = dy[(row * ow + ox) * s.k + k];
          bias += g;
          for_each_tap(s, row % oh, ox,
                       [&](std::size_t iy, std::size_t ix, std::size_t ky, std::size_t kx) {
                         const float* px = x + ((row / oh * s.h + iy) * s.w + ix) * s.c;
                         double* out = sum.data() + (ky * s.kw + kx) * s.c;
                         for (std::size_t c = 0; c < s.c; ++c) out[c] += g * px[c];
                       });
        }
      }
      std::copy(sum.begin(), sum.end(), dw + k * sum.size());
      if (db) db[k] = static_cast<float>(bias);
    }
  });
}

}  // namespace ref
}  // namespace tinct
