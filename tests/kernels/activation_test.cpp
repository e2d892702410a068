// Activations: numbers a person can check, special values, and the SIMD version against the plain.
#include "kernels/activation.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/add.h"
#include "kernels/scale.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

constexpr Activation kAll[] = {Activation::none, Activation::relu, Activation::leaky_relu,
                               Activation::sigmoid, Activation::tanh};

Tensor forward(Activation kind, const Tensor& x) {
  Tensor y(x.shape());
  cpu::activation(kind, x.size(), x.f32(), y.f32());
  return y;
}

TEST_CASE("activations of numbers a person can check", "[activation]") {
  const Shape s{1, 1, 1, 4};
  const Tensor x = Tensor::from(s, {-2, 0, 0.5, 3});
  CHECK(test::difference(forward(Activation::relu, x), Tensor::from(s, {0, 0, 0.5, 3}), 0, 0) ==
        "");
  CHECK(test::difference(forward(Activation::leaky_relu, x), Tensor::from(s, {-0.4f, 0, 0.5, 3}), 0,
                         1e-7) == "");
  CHECK(test::difference(forward(Activation::sigmoid, x),
                         Tensor::from(s, {0.11920292f, 0.5f, 0.62245933f, 0.95257413f}), 3e-7,
                         0) == "");
  CHECK(test::difference(forward(Activation::tanh, x),
                         Tensor::from(s, {-0.96402758f, 0, 0.46211716f, 0.99505475f}), 3e-7,
                         0) == "");
}

TEST_CASE("activations keep NaN and saturate at infinity", "[activation]") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from({1, 1, 1, 3}, {std::nanf(""), kInf, -kInf});
  for (const Activation kind : kAll) {
    const Tensor y = forward(kind, x);
    CHECK(std::isnan(y.f32()[0]));
    CHECK(y.f32()[1] == static_cast<float>(ref::activate(kind, kInf)));
    CHECK(y.f32()[2] == static_cast<float>(ref::activate(kind, -kInf)));
  }
}

TEST_CASE("ReLU and leaky ReLU at exactly zero", "[activation]") {
  const float y[] = {0.0f, -0.0f};
  const float dy[] = {1, 1};
  float dx[2];
  cpu::activation_backward(Activation::relu, 2, y, dy, dx);
  CHECK(dx[0] == 0);
  CHECK(dx[1] == 0);
  cpu::activation_backward(Activation::leaky_relu, 2, y, dy, dx);
  CHECK(dx[0] == kLeakySlope);
  CHECK(dx[1] == kLeakySlope);
}

TEST_CASE("activations agree with the plain reference", "[activation]") {
  for (const std::size_t count : {1, 2, 7, 31, 32, 33, 8191, 8193, 40001}) {
    const Shape s{1, 1, 1, count};
    Tensor x = test::random_tensor(s, count);
    for (std::size_t i = 0; i < count; ++i) x.f32()[i] *= i % 5 == 0 ? 100.0f : 8.0f;
    x.f32()[count / 2] = 0;
    const Tensor dy = test::random_tensor(s, count + 1);
    for (const Activation kind : kAll) {
      const Tensor y = forward(kind, x);
      Tensor expected(s), dx(s), dx_expected(s);
      ref::activation(kind, count, x.f32(), expected.f32());
      CHECK(test::difference(y, expected, 5e-7, 1e-37) == "");
      cpu::activation_backward(kind, count, y.f32(), dy.f32(), dx.f32());
      ref::activation_backward(kind, count, y.f32(), dy.f32(), dx_expected.f32());
      CHECK(test::difference(dx, dx_expected, 1e-6, 1e-7) == "");
    }
  }
}

TEST_CASE("add and scale agree with the plain reference", "[add][scale]") {
  for (const std::size_t count : {1, 2, 7, 31, 32, 33, 8193}) {
    const Shape s{1, 1, 1, count};
    const Tensor a = test::random_tensor(s, 1);
    const Tensor b = test::random_tensor(s, 2);
    Tensor y(s), expected(s);
    for (const Activation kind : {Activation::none, Activation::relu, Activation::leaky_relu}) {
      cpu::add(count, a.f32(), b.f32(), kind, y.f32());
      ref::add(count, a.f32(), b.f32(), kind, expected.f32());
      CHECK(test::difference(y, expected, 1e-6, 0) == "");
    }
    cpu::scale(count, -2.5f, a.f32(), y.f32());
    ref::scale(count, -2.5f, a.f32(), expected.f32());
    CHECK(test::difference(y, expected, 0, 0) == "");
  }
}

TEST_CASE("activations, add and scale give the same bits for any thread count",
          "[activation][add][scale]") {
  const Tensor x = test::random_tensor({1, 1, 1, (2 << 20) + 5}, 3);  // streamed
  CHECK(test::same_bits_for_any_threads([&] { return forward(Activation::sigmoid, x); }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y(x.shape());
          cpu::add(x.size(), x.f32(), x.f32(), Activation::relu, y.f32());
          return y;
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y(x.shape());
          cpu::scale(x.size(), 3, x.f32(), y.f32());
          return y;
        }) == "");
}

}  // namespace
}  // namespace tinct
