// Two-dimensional convolution (cross-correlation, as every framework's conv2d), NHWC.
#pragma once

#include <cstddef>
#include <memory>

#include "kernels/activation_kind.h"

namespace tinct {

struct bf16;

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

/// Weights rearranged once for many calls, of any batch, image size and padding. The functions
/// above rearrange theirs in every call, which small images with many channels feel. Copies share.
class PackedWeights {
 public:
  struct Contents;
  PackedWeights() = default;  ///< empty: defined() is false
  explicit PackedWeights(std::shared_ptr<const Contents> contents)
      : contents_(std::move(contents)) {}
  bool defined() const { return contents_ != nullptr; }
  /// Whether they are packed for the forward pass of this convolution.
  bool fit(const Conv2dShape& s) const;
  const Contents* contents() const { return contents_.get(); }

 private:
  std::shared_ptr<const Contents> contents_;
};

PackedWeights pack_weights(const Conv2dShape& s, const float* w);
PackedWeights pack_weights_backward_data(const Conv2dShape& s, const float* w);
/// The same bits as with plain weights. Throw std::invalid_argument when the weights were packed
/// for other channels, kernel, stride or dilation, or for the other pass.
void conv2d(const Conv2dShape& s, const float* x, const PackedWeights& w, const float* bias,
            Activation activation, float* y);
void conv2d_backward_data(const Conv2dShape& s, const float* dy, const PackedWeights& w, float* dx);

}  // namespace cpu

/// Whether the f32 functions of tinct::gpu below, and those of conv_transpose2d.h, multiply in tf32
/// (11 bits, on tensor cores; sums are f32) from now on, on any thread; not at first. Few channels
/// on one side stay f32.
void allow_tf32(bool yes);
bool tf32_allowed();

/// On device pointers, at multiples of 16 bytes. Each calls the rung of kernels/conv/rungs.h that
/// suits the shape; the same bits in every call.
namespace gpu {

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y);
void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx);
void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db);
/// Stored in bf16, summed in f32. Bias, dw and db are f32.
void conv2d(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
            Activation activation, bf16* y);
void conv2d_backward_data(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx);
void conv2d_backward_weights(const Conv2dShape& s, const bf16* x, const bf16* dy, float* dw,
                             float* db);

}  // namespace gpu
}  // namespace tinct
