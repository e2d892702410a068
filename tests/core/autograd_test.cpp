// The graph: order, accumulation, frozen subgraphs, and memory that falls during backward.
#include "core/autograd.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <memory>

#include "tests/check.h"

using namespace tinct;

namespace {

Tensor map(const Tensor& a, const Tensor& b, float (*f)(float, float)) {
  Tensor y(a.shape());
  for (std::size_t i = 0; i < a.size(); ++i) y.f32()[i] = f(a.f32()[i], b.f32()[i]);
  return y;
}
float times(float a, float b) {
  return a * b;
}

Value multiply(const Value& a, const Value& b) {
  return Value(map(a.data(), b.data(), times), {a, b},
               [ta = a.data(), tb = b.data()](std::vector<Value>& inputs, const Tensor& dy) {
                 inputs[0].add_grad(map(dy, tb, times));
                 inputs[1].add_grad(map(dy, ta, times));
               });
}

Value scalar(float v, bool requires_grad = true) {
  return Value(Tensor::full({}, v), requires_grad);
}

}  // namespace

TEST_CASE("gradients follow the chain rule, also through shared values") {
  const Value x = scalar(3);
  const Value square = multiply(x, x);
  multiply(square, x).backward();  // x^3
  CHECK(x.grad().f32()[0] == 27);
}

TEST_CASE("a diamond visits each node once, after all its consumers") {
  const Value x = scalar(2);
  const Value a = multiply(x, scalar(5, false));
  const Value b = multiply(a, a);
  const Value c = multiply(a, b);  // 125 x^3
  c.backward();
  CHECK(x.grad().f32()[0] == 125 * 3 * 4);
}

TEST_CASE("gradients accumulate over calls until they are cleared") {
  const Value x = scalar(2);
  multiply(x, scalar(3, false)).backward();
  multiply(x, scalar(4, false)).backward();
  CHECK(x.grad().f32()[0] == 7);
  x.clear_grad();
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("adding a gradient never changes a tensor that another holds") {
  const Value x = scalar(1);
  const Tensor first = Tensor::full({}, 1);
  x.add_grad(first);
  x.add_grad(Tensor::full({}, 2));
  CHECK(first.f32()[0] == 1);
  CHECK(x.grad().f32()[0] == 3);
  CHECK_THROWS_AS(x.add_grad(Tensor::zeros({1, 1, 1, 2})), std::invalid_argument);
}

TEST_CASE("a frozen subgraph records and saves nothing") {
  const auto witness = std::make_shared<int>(0);
  const Value frozen = scalar(2, false);
  const Value y(Tensor::full({}, 4), {frozen}, [witness](std::vector<Value>&, const Tensor&) {});
  CHECK_FALSE(y.requires_grad());
  CHECK(witness.use_count() == 1);
  CHECK_FALSE(needs_grad({&frozen}));
  CHECK_THROWS_AS(y.backward(), std::invalid_argument);
  {
    const NoGrad guard;
    const Value x = scalar(2);
    CHECK_FALSE(needs_grad({&x}));
    CHECK_FALSE(multiply(x, x).requires_grad());
  }
  const Value x = scalar(2);
  CHECK(needs_grad({&frozen, &x}));
}

TEST_CASE("freezing a parameter stops its gradient; an inner value cannot be frozen") {
  Value w = scalar(2);
  const Value x = scalar(3);
  w.set_requires_grad(false);
  multiply(w, x).backward();
  CHECK_FALSE(w.has_grad());
  CHECK(x.grad().f32()[0] == 2);
  CHECK_THROWS_AS(multiply(w, x).set_requires_grad(false), std::invalid_argument);
}

TEST_CASE("memory falls during the backward pass") {
  const std::size_t bytes = std::size_t{1} << 20;
  const Shape shape{1, 1, 1, bytes / 4};
  Value y(Tensor::full(shape, 1), true);
  const Value first = y;
  std::vector<std::size_t> in_use;
  for (int i = 0; i < 10; ++i) {
    y = Value(y.data().clone(), {y},
              [&in_use, saved = y.data()](std::vector<Value>& inputs, const Tensor& dy) {
                in_use.push_back(memory_use().in_use);
                inputs[0].add_grad(dy.clone());
              });
  }
  Value last = y;
  y = {};
  last.backward();
  REQUIRE(in_use.size() == 10);
  CHECK(in_use.back() + 6 * bytes < in_use.front());
  CHECK(first.has_grad());
}

TEST_CASE("a graph a hundred thousand nodes deep neither recurses nor leaks") {
  const std::size_t before = memory_use().in_use;
  {
    const Value x = scalar(1);
    Value y = x;
    for (int i = 0; i < 100000; ++i) y = multiply(y, scalar(1, false));
    y.backward();
    CHECK(x.grad().f32()[0] == 1);
  }
  CHECK(memory_use().in_use == before);
}

TEST_CASE("the gradient checker finds a wrong gradient") {
  const auto wrong = [](const std::vector<Value>& in) {
    return Value(map(in[0].data(), in[0].data(), times), {in[0]},
                 [t = in[0].data()](std::vector<Value>& inputs, const Tensor& dy) {
                   inputs[0].add_grad(map(dy, t, times));  // half of what it should be
                 });
  };
  const auto right = [](const std::vector<Value>& in) { return multiply(in[0], in[0]); };
  const std::vector<Tensor> inputs = {test::random_tensor({1, 2, 2, 3}, 5)};
  CHECK(test::check_gradients(right, inputs) == "");
  CHECK(test::check_gradients(wrong, inputs) != "");
}

TEST_CASE("the comparison refuses NaN, differing shapes and a single wrong element") {
  const Tensor a = test::random_tensor({1, 3, 3, 5}, 1);
  CHECK(test::difference(a, a, 0, 0) == "");
  Tensor b = a.clone();
  b.f32()[7] += 1e-3f;
  CHECK(test::difference(a, b, 1e-4, 1e-4) != "");
  b.f32()[7] = NAN;
  CHECK(test::difference(a, b, 1, 1e9) != "");
  CHECK(test::difference(b, a, 1, 1e9) != "");
  CHECK(test::relative_error(b, a, 1e9) != "");
  CHECK(test::difference(a, a.reshaped({1, 9, 1, 5}), 1, 1) != "");
}
