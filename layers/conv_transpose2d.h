// Transposed two-dimensional convolution on values.
#pragma once

#include <cstddef>
#include <string>

#include "core/autograd.h"
#include "kernels/activation_kind.h"
#include "layers/init.h"
#include "layers/module.h"

namespace tinct {

/// As in kernels/conv_transpose2d.h, which says how both alignments in use are expressed.
struct ConvTranspose2dOptions {
  std::size_t stride_h = 1, stride_w = 1;
  std::size_t dilation_h = 1, dilation_w = 1;
  std::size_t crop_top = 0, crop_left = 0, crop_bottom = 0, crop_right = 0;
  std::size_t output_pad_h = 0, output_pad_w = 0;
  Activation activation = Activation::none;
};

/// PyTorch's ConvTranspose2d(kernel, stride, padding, output_padding).
ConvTranspose2dOptions pytorch_transpose(std::size_t stride, std::size_t padding,
                                         std::size_t output_padding = 0);
/// Keras' Conv2DTranspose(padding="same"): the output is stride times the input.
ConvTranspose2dOptions keras_same_transpose(std::size_t kernel, std::size_t stride);

/// y (n,oh,ow,out) = activation(conv_transpose(x, w) + bias) for x (n,h,w,in), w (out,kh,kw,in)
/// and bias (1,1,1,out), which may be empty. Throws std::invalid_argument when the shapes do not
/// fit.
Value conv_transpose2d(const Value& x, const Value& w, const Value& bias,
                       const ConvTranspose2dOptions& options = {});

/// A transposed convolution that owns its weights.
struct ConvTranspose2d {
  Value weight;  ///< (out,k,k,in)
  Value bias;    ///< (1,1,1,out), or empty
  ConvTranspose2dOptions options;

  Value operator()(const Value& x) const { return conv_transpose2d(x, weight, bias, options); }
  /// "prefix.weight" and "prefix.bias".
  void collect(Parameters& parameters, const std::string& prefix) const;
};

/// Weights by the initializer's scheme, bias 0.
ConvTranspose2d make_conv_transpose2d(std::size_t in, std::size_t out, std::size_t kernel,
                                      const ConvTranspose2dOptions& options, bool with_bias,
                                      Initializer& init);

}  // namespace tinct
