// Transposed two-dimensional convolution on values.
#include "layers/conv_transpose2d.h"

#include <stdexcept>
#include <utility>

#include "kernels/conv_transpose2d.h"
#include "layers/cast.h"
#include "layers/count.h"
#include "layers/precision.h"
#include "layers/producer.h"
#include "layers/stored.h"

namespace tinct {
namespace {

ConvTranspose2dShape shape_of(const Shape& x, const Shape& w, const ConvTranspose2dOptions& o) {
  if (w.c != x.c) {
    throw std::invalid_argument("conv_transpose2d: input " + to_string(x) +
                                " has not the channels of weights " + to_string(w));
  }
  const ConvTranspose2dShape s{x.n,           x.h,           x.w,          x.c,
                               w.n,           w.h,           w.w,          o.stride_h,
                               o.stride_w,    o.dilation_h,  o.dilation_w, o.crop_top,
                               o.crop_left,   o.crop_bottom, o.crop_right, o.output_pad_h,
                               o.output_pad_w};
  s.check();
  return s;
}

}  // namespace

ConvTranspose2dOptions pytorch_transpose(std::size_t stride, std::size_t padding,
                                         std::size_t output_padding) {
  return {.stride_h = stride,
          .stride_w = stride,
          .crop_top = padding,
          .crop_left = padding,
          .crop_bottom = padding,
          .crop_right = padding,
          .output_pad_h = output_padding,
          .output_pad_w = output_padding};
}

ConvTranspose2dOptions keras_same_transpose(std::size_t kernel, std::size_t stride) {
  if (kernel < stride) {
    const std::size_t pad = stride - kernel;
    return {.stride_h = stride, .stride_w = stride, .output_pad_h = pad, .output_pad_w = pad};
  }
  const std::size_t before = (kernel - stride) / 2;
  const std::size_t after = kernel - stride - before;
  return {.stride_h = stride,
          .stride_w = stride,
          .crop_top = before,
          .crop_left = before,
          .crop_bottom = after,
          .crop_right = after};
}

Value conv_transpose2d(const Value& input, const Value& w, const Value& bias,
                       const ConvTranspose2dOptions& options) {
  const Value x = product_input(input);
  const ConvTranspose2dShape s = shape_of(x.shape(), w.shape(), options);
  check_bias("conv_transpose2d", bias, s.k);
  add_macs(s.conv().macs());
  const Device device = common_device("conv_transpose2d", {&x, &w, &bias});
  const DType type = x.data().dtype();
  const Tensor weights = cast(w.data(), type);
  Tensor y({s.n, s.oh(), s.ow(), s.k}, type, device);
  TINCT_ON_STORED(device, type, conv_transpose2d, s, x.data().as<Stored>(), weights.as<Stored>(),
                  bias_data(bias), options.activation, y.as<Stored>());
  return produced(std::move(y), x, w, bias, options.activation,
                  {[s, weights](const Tensor& dy, Tensor& dx) {
                     TINCT_ON_STORED(dy.device(), dy.dtype(), conv_transpose2d_backward_data, s,
                                     dy.as<Stored>(), weights.as<Stored>(), dx.as<Stored>());
                   },
                   [s](const Tensor& x, const Tensor& dy, float* dw, float* db) {
                     TINCT_ON_STORED(dy.device(), dy.dtype(), conv_transpose2d_backward_weights, s,
                                     x.as<Stored>(), dy.as<Stored>(), dw, db);
                   }});
}

void ConvTranspose2d::collect(Parameters& parameters, const std::string& prefix) const {
  collect_weight_and_bias(parameters, prefix, weight, bias);
}

ConvTranspose2d make_conv_transpose2d(std::size_t in, std::size_t out, std::size_t kernel,
                                      const ConvTranspose2dOptions& options, bool with_bias,
                                      Initializer& init) {
  return {Value(init.draw({out, kernel, kernel, in}), true), make_bias(out, with_bias), options};
}

}  // namespace tinct
