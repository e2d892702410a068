// Pooling as layers: against PyTorch, ties and exact zeros included, and by central differences.
#include <catch2/catch.hpp>

#include "layers/average_pool.h"
#include "layers/max_pool.h"
#include "tests/check.h"
#include "tests/layers/golden.h"

namespace tinct {
namespace {

constexpr PoolWindow kPadded{
    .kh = 3, .kw = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};

PoolWindow rounded_up(PoolWindow window) {
  window.ceil = true;
  return window;
}

struct GoldenCase {
  const char* name;
  PoolWindow window;
  bool count_include_pad = true;
};

template <class Pool>
void check_golden(const GoldenCase& c, Pool pool) {
  INFO(c.name);
  const test::Golden golden("norm_and_pool.safetensors", c.name);
  const Value x(golden.load("x"), true);
  Value y = pool(x, c);
  CHECK(test::difference(y.data(), golden.load("y"), 1e-6, 1e-6) == "");
  y.backward(golden.load("dy"));
  CHECK(test::difference(x.grad(), golden.load("dx"), 1e-6, 1e-6) == "");
}

TEST_CASE("max pool agrees with PyTorch", "[max_pool][golden]") {
  const PoolWindow uneven{.kh = 3,
                          .kw = 2,
                          .stride_h = 2,
                          .stride_w = 3,
                          .pad_top = 1,
                          .pad_left = 1,
                          .pad_bottom = 1,
                          .pad_right = 1,
                          .ceil = true};
  for (const GoldenCase& c :
       {GoldenCase{"max_2x2", {}}, GoldenCase{"max_2x2_ceil", rounded_up({})},
        GoldenCase{"max_3x3_pad1", kPadded}, GoldenCase{"max_3x2_ceil", uneven}}) {
    check_golden(c, [](const Value& x, const GoldenCase& k) { return max_pool(x, k.window); });
  }
}

TEST_CASE("average pool agrees with PyTorch", "[average_pool][golden]") {
  const PoolWindow uneven{
      .kh = 3, .kw = 2, .stride_h = 2, .stride_w = 3, .pad_top = 1, .pad_bottom = 1, .ceil = true};
  for (const GoldenCase& c : {GoldenCase{"avg_2x2", {}}, GoldenCase{"avg_3x3_pad1", kPadded},
                              GoldenCase{"avg_3x3_pad1_ceil", rounded_up(kPadded)},
                              GoldenCase{"avg_3x3_pad1_ceil_without", rounded_up(kPadded), false},
                              GoldenCase{"avg_3x2_ceil", uneven}}) {
    check_golden(c, [](const Value& x, const GoldenCase& k) {
      return average_pool(x, k.window, k.count_include_pad);
    });
  }
}

TEST_CASE("the golden comparison catches ties that go to the last", "[max_pool][golden]") {
  const test::Golden golden("norm_and_pool.safetensors", "max_2x2");
  const Tensor x = golden.load("x");
  const Shape s = x.shape();
  // Pooling the picture turned by 180 degrees takes the last of equals.
  const auto turned = [](const Tensor& t) {
    const Shape& e = t.shape();
    Tensor out(e);
    for (std::size_t b = 0; b < e.n; ++b) {
      for (std::size_t i = 0; i < e.h * e.w; ++i) {
        for (std::size_t c = 0; c < e.c; ++c) {
          out.f32()[(b * e.h * e.w + i) * e.c + c] =
              t.f32()[(b * e.h * e.w + e.h * e.w - 1 - i) * e.c + c];
        }
      }
    }
    return out;
  };
  // An even height: leave out the last row, which floor mode drops.
  Tensor even({s.n, s.h - 1, s.w, s.c});
  Tensor dx_even(even.shape());
  const Tensor dx = golden.load("dx");
  const std::size_t picture = even.shape().h * s.w * s.c;
  for (std::size_t b = 0; b < s.n; ++b) {
    std::copy_n(x.f32() + b * s.h * s.w * s.c, picture, even.f32() + b * picture);
    std::copy_n(dx.f32() + b * s.h * s.w * s.c, picture, dx_even.f32() + b * picture);
  }
  const Value v(turned(even), true);
  Value y = max_pool(v);
  y.backward(turned(golden.load("dy")));
  CHECK(test::difference(turned(v.grad()), dx_even, 1e-6, 1e-6) != "");
}

TEST_CASE("pooling's gradients agree with central differences", "[pool]") {
  // Distinct values further apart than the step, so that no maximum changes.
  Tensor x({2, 5, 6, 3});
  for (std::size_t i = 0; i < x.size(); ++i) {
    x.f32()[i] = static_cast<float>(i * 7919 % x.size()) * 0.05f - 4;
  }
  for (const PoolWindow& window : {PoolWindow{}, rounded_up({}), kPadded}) {
    CHECK(test::check_gradients([&](const std::vector<Value>& v) { return max_pool(v[0], window); },
                                {x}) == "");
    for (const bool include : {true, false}) {
      CHECK(test::check_gradients(
                [&](const std::vector<Value>& v) { return average_pool(v[0], window, include); },
                {x}) == "");
    }
  }
  CHECK(test::check_gradients([](const std::vector<Value>& v) { return global_average_pool(v[0]); },
                              {x}) == "");
}

TEST_CASE("global average pool of numbers a person can check", "[global_average_pool]") {
  const Value y = global_average_pool(Value(Tensor::from({2, 1, 2, 1}, {1, 3, 10, 20})));
  CHECK(test::difference(y.data(), Tensor::from({2, 1, 1, 1}, {2, 15}), 0, 0) == "");
}

TEST_CASE("what pooling refuses", "[pool]") {
  const Value x(Tensor({1, 40, 40, 1}));
  CHECK_THROWS_AS(max_pool(x, {.kh = 50}), std::invalid_argument);
  CHECK_THROWS_AS(max_pool(x, {.kh = 17, .kw = 17}), std::invalid_argument);  // over 256 elements
  CHECK_THROWS_AS(average_pool(x, {.pad_left = 2}), std::invalid_argument);
  CHECK_THROWS_AS(global_average_pool(Value(Tensor({1, 0, 1, 1}))), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
