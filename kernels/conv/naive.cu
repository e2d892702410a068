// Convolution, rung 1: a thread owns one result and reads everything it needs from device memory.
//
// Bound by the caches: 2 loads for each multiply-add. FLOPs an output: 2 kh kw c forward, 2 taps k
// the data gradient, 2 n oh ow the weight gradient; bytes of device memory, if the caches held
// everything, those of the three tensors once. Lanes are neighbours in the innermost extent of the
// result. Forward that makes the reads of x one address a warp (one sector) and those of w kh kw c
// floats apart (32 sectors where 4 would do): the second rung's subject. In both gradients one
// operand is one address and the other 32 neighbours.
#include "core/simt/simt.h"
#include "kernels/activation_device.h"
#include "kernels/conv/rungs_f32.h"
#include "kernels/conv/sums.h"

namespace tinct::gpu {
namespace {

// What the kernels need of Conv2dShape, in the device's own integers.
struct Geometry {
  int n, h, w, c, k, kh, kw, oh, ow;
  int stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
};

Geometry geometry(const Conv2dShape& s) {
  const auto i = [](std::size_t v) { return static_cast<int>(v); };
  return {i(s.n),        i(s.h),          i(s.w),          i(s.c),       i(s.k),
          i(s.kh),       i(s.kw),         i(s.oh()),       i(s.ow()),    i(s.stride_h),
          i(s.stride_w), i(s.dilation_h), i(s.dilation_w), i(s.pad_top), i(s.pad_left)};
}

// y (n,oh,ow,k): a thread owns one element.
__global__ void forward(Geometry g, std::size_t outputs, const float* x, const float* w,
                        const float* bias, Activation activation, float* y) {
  for (std::size_t i = first_item(); i < outputs; i += item_step()) {
    const int k = static_cast<int>(i % g.k);
    const std::size_t pixel = i / g.k;
    const int ox = static_cast<int>(pixel % g.ow);
    const int oy = static_cast<int>(pixel / g.ow % g.oh);
    const std::size_t image = pixel / g.ow / g.oh;
    float sum = bias == nullptr ? 0 : bias[k];
    for (int r = 0; r < g.kh; ++r) {
      const int iy = oy * g.stride_h - g.pad_top + r * g.dilation_h;
      if (iy < 0 || iy >= g.h) continue;
      for (int s = 0; s < g.kw; ++s) {
        const int ix = ox * g.stride_w - g.pad_left + s * g.dilation_w;
        if (ix < 0 || ix >= g.w) continue;
        const float* from = x + ((image * g.h + iy) * g.w + ix) * g.c;
        const float* tap = w + ((static_cast<std::size_t>(k) * g.kh + r) * g.kw + s) * g.c;
        for (int c = 0; c < g.c; ++c) sum += from[c] * tap[c];
      }
    }
    y[i] = activate(activation, sum);
  }
}

// dx (n,h,w,c): a thread owns one element and gathers from the outputs that read it.
__global__ void backward_data(Geometry g, std::size_t inputs, const float* dy, const float* w,
                              float* dx) {
  for (std::size_t i = first_item(); i < inputs; i += item_step()) {
    const int c = static_cast<int>(i % g.c);
    const std::size_t pixel = i / g.c;
    const int ix = static_cast<int>(pixel % g.w);
    const int iy = static_cast<int>(pixel / g.w % g.h);
    const std::size_t image = pixel / g.w / g.h;
    float sum = 0;
    for (int r = 0; r < g.kh; ++r) {
      const int y = iy + g.pad_top - r * g.dilation_h;
      if (y < 0 || y % g.stride_h != 0 || y / g.stride_h >= g.oh) continue;
      for (int s = 0; s < g.kw; ++s) {
        const int x = ix + g.pad_left - s * g.dilation_w;
        if (x < 0 || x % g.stride_w != 0 || x / g.stride_w >= g.ow) continue;
        const float* from = dy + ((image * g.oh + y / g.stride_h) * g.ow + x / g.stride_w) * g.k;
        const float* tap = w + (static_cast<std::size_t>(r) * g.kw + s) * g.c + c;
        const std::size_t step = static_cast<std::size_t>(g.kh) * g.kw * g.c;
        for (int k = 0; k < g.k; ++k) sum += from[k] * tap[k * step];
      }
    }
    dx[i] = sum;
  }
}

// dw (k,kh,kw,c): a thread owns one weight. Rows are summed on their own, then the rows of an
// image, then the images: a flat sum of a million pixels would lose three digits.
__global__ void backward_weights(Geometry g, std::size_t weights, const float* x, const float* dy,
                                 float* dw) {
  for (std::size_t i = first_item(); i < weights; i += item_step()) {
    const int c = static_cast<int>(i % g.c);
    const int s = static_cast<int>(i / g.c % g.kw);
    const int r = static_cast<int>(i / g.c / g.kw % g.kh);
    const int k = static_cast<int>(i / g.c / g.kw / g.kh);
    float sum = 0;
    for (int image = 0; image < g.n; ++image) {
      float of_image = 0;
      for (int oy = 0; oy < g.oh; ++oy) {
        const int iy = oy * g.stride_h - g.pad_top + r * g.dilation_h;
        if (iy < 0 || iy >= g.h) continue;
        const float* x_row = x + (static_cast<std::size_t>(image) * g.h + iy) * g.w * g.c;
        const float* dy_row = dy + (static_cast<std::size_t>(image) * g.oh + oy) * g.ow * g.k;
        float of_row = 0;
        for (int ox = 0; ox < g.ow; ++ox) {
          const int ix = ox * g.stride_w - g.pad_left + s * g.dilation_w;
          if (ix < 0 || ix >= g.w) continue;
          of_row += x_row[static_cast<std::size_t>(ix) * g.c + c] *
                    dy_row[static_cast<std::size_t>(ox) * g.k + k];
        }
        of_image += of_row;
      }
      sum += of_image;
    }
    dw[i] = sum;
  }
}

}  // namespace

void conv2d_naive(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                  Activation activation, float* y) {
  s.check();
  launch(over(s.y_size()), forward, geometry(s), s.y_size(), x, w, bias, activation, y);
}

void conv2d_backward_data_naive(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  s.check();
  launch(over(s.x_size()), backward_data, geometry(s), s.x_size(), dy, w, dx);
}

void conv2d_backward_weights_naive(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                   float* db) {
  s.check();
  launch(over(s.w_size()), backward_weights, geometry(s), s.w_size(), x, dy, dw);
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

}  // namespace tinct::gpu
