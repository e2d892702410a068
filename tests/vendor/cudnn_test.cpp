// The rungs "cudnn" against the plain loops, with a stand-in for the library that checks what it is
// asked (tests/vendor/fake_cudnn.cpp): descriptions, layouts, the order of arguments, what is done
// when cuDNN has no fused kernel or cannot measure.
#include "kernels/vendor/cudnn.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/kernels/conv_row.h"

namespace tinct {
namespace {

using test::ConvRow;
using test::OnDevice;
using test::OnDeviceAs;
using test::random_tensor;

// What FAKE_CUDNN says while this lives.
struct Told {
  explicit Told(const char* word) { setenv("FAKE_CUDNN", word, 1); }
  ~Told() { unsetenv("FAKE_CUDNN"); }
};

template <class T>
void check_forward(const gpu::Conv2dRung<T>& rung, const Conv2dShape& s, const Tensor& x,
                   const Tensor& w, bool with_bias, Activation activation) {
  CAPTURE(with_bias, static_cast<int>(activation));
  const Tensor bias = test::rounded<T>(random_tensor({1, 1, 1, s.k}, 3));
  Tensor y({s.n, s.oh(), s.ow(), s.k});
  ref::conv2d(s, x.f32(), w.f32(), with_bias ? bias.f32() : nullptr, activation, y.f32());
  const OnDeviceAs<T> on_x(x), on_w(w);
  const OnDevice on_bias(bias);
  OnDeviceAs<T> out(y.shape());
  rung.forward(s, on_x.data(), on_w.data(), with_bias ? on_bias.data() : nullptr, activation,
               out.data());
  CHECK(test::relative_error(out.tensor(), y, test::tolerance<T>(1e-6)) == "");
}

template <class T>
void check_backward(const gpu::Conv2dRung<T>& rung, const Conv2dShape& s, const Tensor& x,
                    const Tensor& w) {
  const Tensor dy = test::rounded<T>(random_tensor({s.n, s.oh(), s.ow(), s.k}, 4));
  Tensor dx(x.shape()), dw(w.shape()), db({1, 1, 1, s.k});
  ref::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
  ref::conv2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), db.f32());
  const OnDeviceAs<T> on_x(x), on_w(w), on_dy(dy);
  OnDeviceAs<T> out_x(dx.shape());
  OnDevice out_w(dw.shape()), out_b(db.shape());
  rung.backward_data(s, on_dy.data(), on_w.data(), out_x.data());
  rung.backward_weights(s, on_x.data(), on_dy.data(), out_w.data(), out_b.data());
  CHECK(test::relative_error(out_x.tensor(), dx, test::tolerance<T>(1e-6)) == "");
  CHECK(test::relative_error(out_w.tensor(), dw, test::tolerance<T>(1e-6)) == "");
  CHECK(test::relative_error(out_b.tensor(), db, 1e-6) == "");
}

template <class T>
void check(const gpu::Conv2dRung<T>& rung, const Conv2dShape& s) {
  INFO(rung.name << " " << sizeof(T));
  CAPTURE(s.n, s.h, s.w, s.c, s.k, s.kh, s.kw, s.stride_h, s.dilation_h);
  for (const Conv2dPass pass :
       {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_weights}) {
    REQUIRE(rung.supports(pass, s));
  }
  const Tensor x = test::rounded<T>(random_tensor({s.n, s.h, s.w, s.c}, 1));
  const Tensor w = test::rounded<T>(random_tensor({s.k, s.kh, s.kw, s.c}, 2));
  for (const bool with_bias : {true, false}) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh}) {
      check_forward(rung, s, x, w, with_bias, activation);
    }
  }
  check_backward(rung, s, x, w);
}

void check_every_precision(const Conv2dShape& s) {
  check(vendor::cudnn_rung(), s);
  check(vendor::cudnn_rung_tf32(), s);
  check(vendor::cudnn_rung_bf16(), s);
}

// n, h, w, c, k, kh, kw, stride, dilation, pad top, left, bottom, right
TEST_CASE("cuDNN's rungs ask for what the contract says") {
  REQUIRE(vendor::cudnn_problem() == "");
  for (const ConvRow& row : {ConvRow{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                             ConvRow{2, 9, 8, 7, 33, 3, 3, 2, 1, 1, 1, 1, 1},
                             ConvRow{1, 9, 9, 4, 8, 3, 2, 1, 2, 2, 0, 2, 0},
                             ConvRow{2, 8, 8, 8, 12, 4, 4, 2, 1, 1, 1, 1, 1}}) {
    check_every_precision(row.shape());
  }
}

TEST_CASE("padding that cuDNN cannot describe is left to others") {
  const Conv2dShape s = ConvRow{1, 7, 6, 20, 36, 3, 3, 1, 1, 0, 1, 2, 0}.shape();
  CHECK_FALSE(vendor::cudnn_rung().supports(Conv2dPass::forward, s));
  // One more row of zeros, which no output sees.
  check_every_precision(ConvRow{1, 8, 8, 3, 5, 3, 3, 2, 1, 1, 1, 0, 0}.shape());
}

// Shapes of their own: plans are made once.
TEST_CASE("where cuDNN has no fused kernel, bias and activation follow") {
  const Told told("no-fusion");
  check_every_precision(ConvRow{1, 5, 6, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
}

TEST_CASE("where cuDNN cannot measure, the next algorithm that runs is taken") {
  const Told told("no-measuring");
  check_every_precision(ConvRow{1, 6, 5, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
}

}  // namespace
}  // namespace tinct
