// Transposed two-dimensional convolution, NHWC: the data gradient of a convolution, used forward.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"
#include "kernels/conv/conv2d.h"

namespace tinct {

/// x (n,h,w,c), weights (k,kh,kw,c), bias (k), y (n,oh(),ow(),k). Input pixel (i,j) adds its
/// product with tap (a,b) at row i*stride_h + a*dilation_h and column j*stride_w + b*dilation_w of
/// the full output, which is then cropped; output_pad adds rows at the bottom and columns at the
/// right.
///
/// PyTorch's ConvTranspose2d(padding p, output_padding o) crops p on every side and pads o: for
/// kernel 3, stride 2, p 1, o 1 the full output loses its first row. Keras' padding "same" keeps
/// the first h*stride rows of the full output where kernel >= stride, cropping
/// floor((kernel - stride) / 2) at the top and the rest at the bottom: for kernel 3, stride 2 the
/// full output loses its last row. PyTorch's weights (in,out,kh,kw) become ours by
/// permute(1,2,3,0), those of Keras (kh,kw,out,in) by permute(2,0,1,3).
struct ConvTranspose2dShape {
  std::size_t n = 1, h = 1, w = 1, c = 1;
  std::size_t k = 1, kh = 1, kw = 1;
  std::size_t stride_h = 1, stride_w = 1;
  std::size_t dilation_h = 1, dilation_w = 1;
  std::size_t crop_top = 0, crop_left = 0, crop_bottom = 0, crop_right = 0;
  std::size_t output_pad_h = 0, output_pad_w = 0;

  std::size_t oh() const {
    return (h - 1) * stride_h + dilation_h * (kh - 1) + 1 + output_pad_h - crop_top - crop_bottom;
  }
  std::size_t ow() const {
    return (w - 1) * stride_w + dilation_w * (kw - 1) + 1 + output_pad_w - crop_left - crop_right;
  }
  std::size_t x_size() const { return n * h * w * c; }
  std::size_t w_size() const { return k * kh * kw * c; }
  std::size_t y_size() const { return n * oh() * ow() * k; }
  /// The convolution from y to x whose data gradient this is: its weights are (c,kh,kw,k).
  Conv2dShape conv() const;
  /// Throws std::invalid_argument when an extent is zero, nothing is left after cropping, or the
  /// output padding is not smaller than stride + crop at the end.
  void check() const;
};

namespace ref {

/// Plain loops, summed in double. y = activation(conv_transpose(x, w) + bias); bias may be null.
void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y);
/// dx, given dy of the operation's own output (before the activation).
void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx);
/// dw, and db unless null.
void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db);

}  // namespace ref

namespace cpu {

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y);
void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx);
void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db);

}  // namespace cpu

/// On device pointers, at multiples of 16 bytes.
namespace gpu {

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y);
void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx);
void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db);
/// Stored in bf16, summed in f32. Bias, dw and db are f32.
void conv_transpose2d(const ConvTranspose2dShape& s, const bf16* x, const bf16* w,
                      const float* bias, Activation activation, bf16* y);
void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const bf16* dy, const bf16* w,
                                    bf16* dx);
void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const bf16* x, const bf16* dy,
                                       float* dw, float* db);

}  // namespace gpu
}  // namespace tinct
