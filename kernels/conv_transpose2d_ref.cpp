// Transposed convolution as it is written down.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/shape.h"
#include "kernels/activation.h"
#include "kernels/conv_transpose2d.h"

namespace tinct {
namespace {

// Calls f(pixel of x, pixel of y, tap) for every product.
template <class F>
void for_each_product(const ConvTranspose2dShape& s, F&& f) {
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  for (std::size_t row = 0; row < s.n * s.h; ++row) {
    for (std::size_t j = 0; j < s.w; ++j) {
      for (std::size_t a = 0; a < s.kh; ++a) {
        const std::size_t y = row % s.h * s.stride_h + a * s.dilation_h;
        if (y < s.crop_top || y - s.crop_top >= oh) continue;
        for (std::size_t b = 0; b < s.kw; ++b) {
          const std::size_t x = j * s.stride_w + b * s.dilation_w;
          if (x < s.crop_left || x - s.crop_left >= ow) continue;
          const std::size_t out = (row / s.h * oh + y - s.crop_top) * ow + x - s.crop_left;
          f(row * s.w + j, out, a * s.kw + b);
        }
      }
    }
  }
}

}  // namespace

void ConvTranspose2dShape::check() const {
  const auto fail = [this](const char* what) {
    throw std::invalid_argument("conv_transpose2d: input " + to_string(Shape{n, h, w, c}) +
                                ", weights " + to_string(Shape{k, kh, kw, c}) + ": " + what);
  };
  for (const std::size_t extent :
       {n, h, w, c, k, kh, kw, stride_h, stride_w, dilation_h, dilation_w}) {
    if (extent == 0) fail("an extent, stride or dilation is zero");
  }
  if ((h - 1) * stride_h + dilation_h * (kh - 1) + 1 + output_pad_h <= crop_top + crop_bottom ||
      (w - 1) * stride_w + dilation_w * (kw - 1) + 1 + output_pad_w <= crop_left + crop_right) {
    fail("nothing is left after cropping");
  }
  if (output_pad_h >= stride_h + crop_bottom || output_pad_w >= stride_w + crop_right) {
    fail("the output padding is not smaller than the stride");
  }
}

Conv2dShape ConvTranspose2dShape::conv() const {
  // Output padding undoes cropping at the end; what is left of it is the remainder that the
  // convolution's stride floors away.
  return {.n = n,
          .h = oh(),
          .w = ow(),
          .c = k,
          .k = c,
          .kh = kh,
          .kw = kw,
          .stride_h = stride_h,
          .stride_w = stride_w,
          .dilation_h = dilation_h,
          .dilation_w = dilation_w,
          .pad_top = crop_top,
          .pad_left = crop_left,
          .pad_bottom = std::max(crop_bottom, output_pad_h) - output_pad_h,
          .pad_right = std::max(crop_right, output_pad_w) - output_pad_w};
}

namespace ref {

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y) {
  std::vector<double> sum(s.y_size());
  for_each_product(s, [&](std::size_t in, std::size_t out, std::size_t tap) {
    for (std::size_t k = 0; k < s.k; ++k) {
      const float* pw = w + (k * s.kh * s.kw + tap) * s.c;
      for (std::size_t c = 0; c < s.c; ++c) sum[out * s.k + k] += double{pw[c]} * x[in * s.c + c];
    }
  });
  for (std::size_t i = 0; i < sum.size(); ++i) {
    y[i] = static_cast<float>(activate(activation, sum[i] + (bias ? bias[i % s.k] : 0.0f)));
  }
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx) {
  std::vector<double> sum(s.x_size());
  for_each_product(s, [&](std::size_t in, std::size_t out, std::size_t tap) {
    for (std::size_t k = 0; k < s.k; ++k) {
      const float* pw = w + (k * s.kh * s.kw + tap) * s.c;
      for (std::size_t c = 0; c < s.c; ++c) sum[in * s.c + c] += double{pw[c]} * dy[out * s.k + k];
    }
  });
  std::copy(sum.begin(), sum.end(), dx);
}

void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db) {
  std::vector<double> sum(s.w_size());
  for_each_product(s, [&](std::size_t in, std::size_t out, std::size_t tap) {
    for (std::size_t k = 0; k < s.k; ++k) {
      double* pw = sum.data() + (k * s.kh * s.kw + tap) * s.c;
      for (std::size_t c = 0; c < s.c; ++c) pw[c] += double{x[in * s.c + c]} * dy[out * s.k + k];
    }
  });
  std::copy(sum.begin(), sum.end(), dw);
  for (std::size_t k = 0; db && k < s.k; ++k) {
    double bias = 0;
    for (std::size_t i = k; i < s.y_size(); i += s.k) bias += dy[i];
    db[k] = static_cast<float>(bias);
  }
}

}  // namespace ref
}  // namespace tinct
