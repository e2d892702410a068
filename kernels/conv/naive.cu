// Convolution, rung 1: a thread owns one output and reads everything it needs from device memory.
//
// Bound by the caches: 2 loads for each multiply-add. Lanes are neighbouring output channels, so
// the reads of x are one address a warp (one sector) and the reads of w are kh kw c floats apart
// (32 sectors where one would do): the second rung's subject. FLOPs 2 kh kw c an output; bytes of
// device memory, if the caches held everything, those of x, w and y once.
#include "core/simt/simt.h"
#include "kernels/conv/conv2d.h"

namespace tinct::gpu {
namespace {

// What the kernel needs of Conv2dShape, in the device's own integers.
struct Geometry {
  int h, w, c, k, kh, kw, oh, ow;
  int stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
};

Geometry geometry(const Conv2dShape& s) {
  const auto i = [](std::size_t v) { return static_cast<int>(v); };
  return {i(s.h),          i(s.w),          i(s.c),       i(s.k),        i(s.kh),
          i(s.kw),         i(s.oh()),       i(s.ow()),    i(s.stride_h), i(s.stride_w),
          i(s.dilation_h), i(s.dilation_w), i(s.pad_top), i(s.pad_left)};
}

__device__ float activate(Activation kind, float v) {
  switch (kind) {
    case Activation::none:
      break;
    case Activation::relu:
      return v <= 0 ? 0 : v;
    case Activation::leaky_relu:
      return v <= 0 ? v * kLeakySlope : v;
    case Activation::sigmoid:
      return 1 / (1 + expf(-v));
    case Activation::tanh:
      return tanhf(v);
  }
  return v;
}

__global__ void naive(Geometry g, std::size_t outputs, const float* x, const float* w,
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

}  // namespace

void conv2d_naive(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                  Activation activation, float* y) {
  s.check();
  launch(over(s.y_size()), naive, geometry(s), s.y_size(), x, w, bias, activation, y);
}

}  // namespace tinct::gpu
