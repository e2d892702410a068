// Two-dimensional convolution on values.
#pragma once

#include <cstddef>
#include <string>

#include "core/autograd.h"
#include "kernels/activation_kind.h"
#include "layers/init.h"
#include "layers/module.h"

namespace tinct {

struct Conv2dOptions {
  std::size_t stride_h = 1, stride_w = 1;
  std::size_t dilation_h = 1, dilation_w = 1;
  std::size_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  Activation activation = Activation::none;  ///< applied to the output by the same kernel
};

/// Symmetric zero padding, PyTorch's usual: the output has ceil(h / stride) rows for an odd kernel,
/// h / stride for an even one where the stride divides h. Throws std::invalid_argument for an even
/// kernel at stride 1, whose padding cannot be symmetric, and for zeros.
Conv2dOptions same_padding(std::size_t kernel, std::size_t stride = 1, std::size_t dilation = 1);

/// TensorFlow's SAME for an input of (h,w): ceil(h / stride) rows; where the padding is odd the
/// larger half goes to the bottom and to the right.
Conv2dOptions tensorflow_same(std::size_t h, std::size_t w, std::size_t kernel,
                              std::size_t stride = 1, std::size_t dilation = 1);

/// y (n,oh,ow,out) = activation(x * w + bias) for x (n,h,w,in), w (out,kh,kw,in) and bias
/// (1,1,1,out), which may be empty. Throws std::invalid_argument when the shapes do not fit.
Value conv2d(const Value& x, const Value& w, const Value& bias, const Conv2dOptions& options = {});

/// A convolution that owns its weights.
struct Conv2d {
  Value weight;  ///< (out,k,k,in)
  Value bias;    ///< (1,1,1,out), or empty
  Conv2dOptions options;

  Value operator()(const Value& x) const { return conv2d(x, weight, bias, options); }
  /// "prefix.weight" and "prefix.bias".
  void collect(Parameters& parameters, const std::string& prefix) const;
};

/// Weights by the initializer's scheme, bias 0.
Conv2d make_conv2d(std::size_t in, std::size_t out, std::size_t kernel,
                   const Conv2dOptions& options, bool with_bias, Initializer& init);

}  // namespace tinct
