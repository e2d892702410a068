// Two-dimensional convolution on values.
#include "layers/conv2d.h"

#include <algorithm>
#include <any>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "kernels/conv/conv2d.h"
#include "layers/cast.h"
#include "layers/count.h"
#include "layers/precision.h"
#include "layers/producer.h"
#include "layers/stored.h"

namespace tinct {
namespace {

Conv2dShape shape_of(const Shape& x, const Shape& w, const Conv2dOptions& o) {
  if (w.c != x.c) {
    throw std::invalid_argument("conv2d: input " + to_string(x) +
                                " has not the channels of weights " + to_string(w));
  }
  const Conv2dShape s{x.n,          x.h,       x.w,        x.c,          w.n,
                      w.h,          w.w,       o.stride_h, o.stride_w,   o.dilation_h,
                      o.dilation_w, o.pad_top, o.pad_left, o.pad_bottom, o.pad_right};
  s.check();
  return s;
}

// The numbers of weights that nobody trains, packed in the first call and kept with their value.
cpu::PackedWeights packed(const Conv2dShape& s, const Value& w) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::any& kept = w.kept();
  const auto* weights = std::any_cast<cpu::PackedWeights>(&kept);
  if (weights != nullptr && weights->fit(s)) return *weights;
  return kept.emplace<cpu::PackedWeights>(cpu::pack_weights(s, w.data().f32()));
}

}  // namespace

Conv2dOptions same_padding(std::size_t kernel, std::size_t stride, std::size_t dilation) {
  if (kernel == 0 || stride == 0 || dilation == 0) {
    throw std::invalid_argument("same_padding: the kernel, stride or dilation is zero");
  }
  const std::size_t total = dilation * (kernel - 1);
  if (stride == 1 && total % 2 == 1) {
    throw std::invalid_argument("same_padding: kernel " + std::to_string(kernel) +
                                " at stride 1 cannot be padded symmetrically");
  }
  const std::size_t pad = total / 2;
  return {stride, stride, dilation, dilation, pad, pad, pad, pad};
}

Conv2dOptions tensorflow_same(std::size_t h, std::size_t w, std::size_t kernel, std::size_t stride,
                              std::size_t dilation) {
  const auto total = [&](std::size_t extent) {
    const std::size_t out = (extent + stride - 1) / stride;
    const std::size_t reach = (out - 1) * stride + dilation * (kernel - 1) + 1;
    return std::max(reach, extent) - extent;
  };
  if (h == 0 || w == 0 || kernel == 0 || stride == 0 || dilation == 0) {
    throw std::invalid_argument("tensorflow_same: an extent, kernel, stride or dilation is zero");
  }
  const std::size_t rows = total(h);
  const std::size_t columns = total(w);
  return {stride,   stride,      dilation,        dilation,
          rows / 2, columns / 2, rows - rows / 2, columns - columns / 2};
}

Value conv2d(const Value& input, const Value& w, const Value& bias, const Conv2dOptions& options) {
  const Value x = product_input(input);
  const Conv2dShape s = shape_of(x.shape(), w.shape(), options);
  check_bias("conv2d", bias, s.k);
  add_macs(s.macs());
  const Device device = common_device("conv2d", {&x, &w, &bias});
  const DType type = x.data().dtype();
  const Tensor weights = cast(w.data(), type);
  Tensor y({s.n, s.oh(), s.ow(), s.k}, type, device);
  if (device == Device::cpu && !w.requires_grad()) {
    cpu::conv2d(s, x.data().f32(), packed(s, w), bias_data(bias), options.activation, y.f32());
  } else {
    TINCT_ON_STORED(device, type, conv2d, s, x.data().as<Stored>(), weights.as<Stored>(),
                    bias_data(bias), options.activation, y.as<Stored>());
  }
  return produced(std::move(y), x, w, bias, options.activation,
                  {[s, weights](const Tensor& dy, Tensor& dx) {
                     TINCT_ON_STORED(dy.device(), dy.dtype(), conv2d_backward_data, s,
                                     dy.as<Stored>(), weights.as<Stored>(), dx.as<Stored>());
                   },
                   [s](const Tensor& x, const Tensor& dy, float* dw, float* db) {
                     TINCT_ON_STORED(dy.device(), dy.dtype(), conv2d_backward_weights, s,
                                     x.as<Stored>(), dy.as<Stored>(), dw, db);
                   }});
}

void Conv2d::collect(Parameters& parameters, const std::string& prefix) const {
  collect_weight_and_bias(parameters, prefix, weight, bias);
}

Conv2d make_conv2d(std::size_t in, std::size_t out, std::size_t kernel,
                   const Conv2dOptions& options, bool with_bias, Initializer& init) {
  return {Value(init.draw({out, kernel, kernel, in}), true), make_bias(out, with_bias), options};
}

}  // namespace tinct
