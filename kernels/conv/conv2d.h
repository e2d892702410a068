// Two-dimensional convolution (cross-correlation, as every framework's conv2d), NHWC.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

/// x (n,h,w,c), w (k,kh,kw,c), bias (k), y (n,oh(),ow(),k).
struct Conv2dShape {
  std::size_t n = 1, h = 1, w = 1, c = 1;
  std::size_t k = 1, kh = 1, kw = 1;
  std::size_t stride_h = 1, stride_w = 1;
  std::size_t dilation_h = 1, dilation_w = 1;
  std::size_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

  std::size_t oh() const {
    return (h + pad_top + pad_bottom - dilation_h * (kh - 1) - 1) / stride_h + 1;
  }
  std::size_t ow() const {
    return (w + pad_left + pad_right - dilation_w * (kw - 1) - 1) / stride_w + 1;
  }
  std::size_t x_size() const { return n * h * w * c; }
  std::size_t w_size() const { return k * kh * kw * c; }
  std::size_t y_size() const { return n * oh() * ow() * k; }
  /// Multiply-accumulates of a forward pass.
  std::size_t macs() const { return y_size() * kh * kw * c; }
  /// Throws std::invalid_argument when an extent is zero or the kernel is larger than the padded
  /// input.
  void check() const;
};

namespace ref {

/// Seven plain loops, summed in double. y = activation(conv(x, w) + bias); bias may be null.
void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y);
/// dx = the gradient with respect to x, given dy of the convolution's own output (before the
/// activation).
void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx);
/// dw, and db unless null.
void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db);

}  // namespace ref

namespace cpu {

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y);
void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx);
void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db);

}  // namespace cpu
}  // namespace tinct
