// What the tests of convolutions on the device share: shapes in a line, operands on both sides.
#pragma once

#include "kernels/conv/conv2d.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct::test {

inline constexpr Activation kActivations[] = {Activation::none, Activation::relu,
                                              Activation::leaky_relu, Activation::sigmoid,
                                              Activation::tanh};

/// The kernel is square; stride and padding are the same in each direction.
inline Conv2dShape conv_shape(std::size_t n, std::size_t h, std::size_t w, std::size_t c,
                              std::size_t k, std::size_t kernel, std::size_t stride,
                              std::size_t pad) {
  Conv2dShape s;
  s.n = n, s.h = h, s.w = w, s.c = c, s.k = k;
  s.kh = s.kw = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = pad;
  return s;
}

/// Random operands, rounded to what the kernels see (Seen), here and on the device, where they are
/// stored as T.
template <class T, class Seen = T>
struct ConvOperands {
  explicit ConvOperands(const Conv2dShape& s)
      : x(rounded<Seen>(random_tensor({s.n, s.h, s.w, s.c}, 1))),
        w(rounded<Seen>(random_tensor({s.k, s.kh, s.kw, s.c}, 2))),
        bias(random_tensor({1, 1, 1, s.k}, 3)),
        dy(rounded<Seen>(random_tensor({s.n, s.oh(), s.ow(), s.k}, 4))),
        device_x(x),
        device_w(w),
        device_dy(dy),
        device_bias(bias) {}

  Tensor x, w, bias, dy;
  OnDeviceAs<T> device_x, device_w, device_dy;
  OnDevice device_bias;
};

}  // namespace tinct::test
