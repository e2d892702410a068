// Convolution: every rung of the ladder on the device against the plain loops.
#include "kernels/conv/conv2d.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

Conv2dShape shape(std::size_t n, std::size_t h, std::size_t w, std::size_t c, std::size_t k,
                  std::size_t kernel, std::size_t stride, std::size_t pad) {
  Conv2dShape s;
  s.n = n, s.h = h, s.w = w, s.c = c, s.k = k;
  s.kh = s.kw = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = s.pad_bottom = s.pad_right = pad;
  return s;
}

void check(const Conv2dShape& s, Activation activation) {
  const Tensor x = test::random_tensor({s.n, s.h, s.w, s.c}, 1);
  const Tensor w = test::random_tensor({s.k, s.kh, s.kw, s.c}, 2);
  const Tensor bias = test::random_tensor({1, 1, 1, s.k}, 3);
  Tensor y({s.n, s.oh(), s.ow(), s.k});
  ref::conv2d(s, x.f32(), w.f32(), bias.f32(), activation, y.f32());
  const test::OnDevice device_x(x), device_w(w), device_bias(bias);
  test::OnDevice out(y.shape());
  gpu::conv2d_naive(s, device_x.data(), device_w.data(), device_bias.data(), activation,
                    out.data());
  CHECK(test::relative_error(out.tensor(), y, 1e-5) == "");
}

TEST_CASE("the naive convolution on the device", "[gpu][conv2d]") {
  check(shape(1, 5, 7, 3, 5, 3, 1, 1), Activation::none);
  check(shape(2, 9, 8, 7, 33, 3, 2, 1), Activation::relu);
  check(shape(1, 4, 4, 16, 2, 1, 1, 0), Activation::leaky_relu);
  Conv2dShape dilated = shape(1, 9, 9, 4, 8, 3, 1, 2);
  dilated.dilation_h = dilated.dilation_w = 2;
  dilated.pad_left = 0;
  check(dilated, Activation::tanh);
}

}  // namespace
}  // namespace tinct
