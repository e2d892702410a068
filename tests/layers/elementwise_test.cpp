// Activations, concat, add and scale as layers: examples, gradients, and what they refuse.
#include <catch2/catch.hpp>
#include <cmath>

#include "layers/activation.h"
#include "layers/add.h"
#include "layers/concat.h"
#include "layers/scale.h"
#include "layers/stack.h"
#include "tests/check.h"

namespace tinct {
namespace {

// Away from the kinks at 0, by more than the step of the differences.
Tensor without_zeros(Shape shape, std::uint64_t seed) {
  Tensor t = test::random_tensor(shape, seed);
  for (std::size_t i = 0; i < t.size(); ++i) t.f32()[i] += std::copysign(0.1f, t.f32()[i]);
  return t;
}

TEST_CASE("activations' gradients agree with central differences", "[activation]") {
  const Tensor x = without_zeros({2, 3, 3, 5}, 1);
  using F = Value (*)(const Value&);
  for (const F f :
       {F{relu}, F{sigmoid}, F{tanh}, F{[](const Value& v) { return leaky_relu(v, 0.3f); }},
        F{[](const Value& v) { return activate(v, Activation::leaky_relu); }}}) {
    CHECK(test::check_gradients([&](const std::vector<Value>& v) { return f(v[0]); }, {x}) == "");
  }
  CHECK(test::check_gradients(
            // The sigmoid's numbers with the gradient of ReLU.
            [](const std::vector<Value>& v) {
              const Value y = relu(v[0]);
              return Value(sigmoid(v[0]).data(), {y},
                           [](std::vector<Value>& in, const Tensor& dy) { in[0].add_grad(dy); });
            },
            {x}) != "");
}

TEST_CASE("the derivative of ReLU at exactly 0 is 0", "[activation]") {
  const Value x(Tensor::from({1, 1, 1, 3}, {-1, 0, 1}), true);
  Value y = relu(x);
  y.backward();
  CHECK(test::difference(x.grad(), Tensor::from(x.shape(), {0, 0, 1}), 0, 0) == "");
}

TEST_CASE("no activation is the value itself", "[activation]") {
  const Value x(Tensor::from({1, 1, 1, 1}, {-1}), true);
  CHECK(activate(x, Activation::none).data().f32() == x.data().f32());
  CHECK_THROWS_AS(leaky_relu(x, -0.1f), std::invalid_argument);
  CHECK_THROWS_AS(leaky_relu(x, std::nanf("")), std::invalid_argument);
}

TEST_CASE("add, scale and concat: gradients agree with central differences", "[add][scale]") {
  const Tensor a = without_zeros({2, 3, 3, 5}, 1);
  const Tensor b = without_zeros({2, 3, 3, 5}, 2);
  for (const Activation kind : {Activation::none, Activation::sigmoid, Activation::tanh}) {
    CHECK(test::check_gradients([&](const std::vector<Value>& v) { return add(v[0], v[1], kind); },
                                {a, b}) == "");
  }
  // a + a and a + 3 a keep the sign of a, and so their distance from the kink.
  for (const Activation kind : {Activation::relu, Activation::leaky_relu}) {
    CHECK(test::check_gradients(
              [&](const std::vector<Value>& v) { return add(v[0], scale(v[0], 3), kind); }, {a}) ==
          "");
  }
  const Tensor c = test::random_tensor({2, 3, 3, 1}, 3);
  CHECK(test::check_gradients([](const std::vector<Value>& v) { return concat(v); }, {a, c, b}) ==
        "");
}

TEST_CASE("the same value twice gets both gradients", "[add][concat]") {
  const Value x(Tensor::from({1, 1, 1, 2}, {1, 2}), true);
  add(x, x).backward();
  CHECK(test::difference(x.grad(), Tensor::from(x.shape(), {2, 2}), 0, 0) == "");
  Value twice = x;
  twice.clear_grad();
  concat({x, x}).backward(Tensor::from({1, 1, 1, 4}, {1, 2, 30, 40}));
  CHECK(test::difference(x.grad(), Tensor::from(x.shape(), {31, 42}), 0, 0) == "");
}

TEST_CASE("concat asks frozen inputs for nothing", "[concat]") {
  const Value frozen(Tensor::from({1, 1, 1, 2}, {1, 2}));
  const Value x(Tensor::from({1, 1, 1, 1}, {3}), true);
  Value y = concat({frozen, x});
  CHECK(test::difference(y.data(), Tensor::from({1, 1, 1, 3}, {1, 2, 3}), 0, 0) == "");
  y.backward(Tensor::from({1, 1, 1, 3}, {7, 8, 9}));
  CHECK(!frozen.has_grad());
  CHECK(x.grad().f32()[0] == 9);
}

TEST_CASE("stack puts batches one after another, and their gradients back", "[stack]") {
  const Value frozen(Tensor::from({1, 1, 2, 1}, {1, 2}));
  const Value x(Tensor::from({2, 1, 2, 1}, {3, 4, 5, 6}), true);
  Value y = stack({frozen, x, x});
  CHECK(test::difference(y.data(), Tensor::from({5, 1, 2, 1}, {1, 2, 3, 4, 5, 6, 3, 4, 5, 6}), 0,
                         0) == "");
  y.backward(Tensor::from({5, 1, 2, 1}, {9, 9, 1, 2, 3, 4, 10, 20, 30, 40}));
  CHECK(!frozen.has_grad());
  CHECK(test::difference(x.grad(), Tensor::from(x.shape(), {11, 22, 33, 44}), 0, 0) == "");
  CHECK_THROWS_AS(stack({}), std::invalid_argument);
  CHECK_THROWS_AS(stack({x, Value(Tensor({2, 1, 2, 2}))}), std::invalid_argument);
}

TEST_CASE("what add and concat refuse", "[add][concat]") {
  const Value a(Tensor({1, 2, 2, 3}));
  const Value b(Tensor({1, 2, 1, 3}));
  CHECK_THROWS_AS(add(a, b), std::invalid_argument);
  CHECK_THROWS_AS(concat({a, b}), std::invalid_argument);
  CHECK_THROWS_AS(concat({}), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
