// Max, average and global average pooling: the SIMD versions against the plain ones.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

const PoolWindow kWindows[] = {
    {},
    {.kh = 3, .kw = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1},
    {.kh = 3, .kw = 2, .stride_h = 1, .stride_w = 3, .pad_top = 2, .pad_right = 1, .ceil = true},
    {.kh = 2, .kw = 5, .stride_h = 3, .stride_w = 1, .pad_left = 4, .pad_bottom = 1},
    {.kh = 1, .kw = 1, .stride_h = 2, .stride_w = 2, .ceil = true},
};

// Every window over every small size that it fits.
template <class F>
void for_each_shape(F&& f) {
  for (const std::size_t size : {1, 2, 7, 31, 32, 33}) {
    for (const std::size_t c : {1, 3, 17, 33}) {
      for (const PoolWindow& window : kWindows) {
        const PoolShape s{{2, size, size + 2, c}, window};
        if (s.x.h + window.pad_top + window.pad_bottom < window.kh) continue;
        if (s.x.w + window.pad_left + window.pad_right < window.kw) continue;
        s.check("pool");
        INFO("input " << to_string(s.x) << ", window " << window.kh << "x" << window.kw);
        f(s);
      }
    }
  }
}

TEST_CASE("pooled sizes, floor and ceil", "[pool]") {
  PoolShape s{{1, 5, 6, 1}, {}};
  CHECK(s.oh() == 2);
  CHECK(s.ow() == 3);
  s.window.ceil = true;
  CHECK(s.oh() == 3);
  CHECK(s.ow() == 3);
  // The last window would start in the trailing padding: dropped.
  s.window = {.kh = 2, .kw = 2, .pad_top = 1, .pad_bottom = 1, .ceil = true};
  CHECK(s.oh() == 3);
}

TEST_CASE("pooling refuses windows that hold nothing", "[pool]") {
  const Shape x{1, 4, 4, 1};
  CHECK_THROWS_AS((PoolShape{x, {.pad_top = 2}}.check("max_pool")), std::invalid_argument);
  CHECK_THROWS_AS((PoolShape{x, {.kh = 5}}.check("max_pool")), std::invalid_argument);
  CHECK_THROWS_AS((PoolShape{x, {.stride_w = 0}}.check("max_pool")), std::invalid_argument);
  CHECK_THROWS_AS((PoolShape{{0, 4, 4, 1}, {}}.check("max_pool")), std::invalid_argument);
}

TEST_CASE("max pool: ties take the first, NaN wins", "[max_pool]") {
  const PoolShape s{{1, 2, 2, 3}, {}};
  const float nan = std::nanf("");
  // Channel 0 all equal, channel 1 largest last, channel 2 with a NaN.
  const float x[] = {4, 1, 9, 4, 2, nan, 4, 3, 7, 4, 8, 5};
  float y[3];
  std::uint8_t which[3];
  cpu::max_pool(s, x, y, which);
  CHECK(y[0] == 4);
  CHECK(which[0] == 0);
  CHECK(y[1] == 8);
  CHECK(which[1] == 3);
  CHECK(std::isnan(y[2]));
  CHECK(which[2] == 1);
  const float dy[] = {10, 20, 30};
  float dx[12];
  cpu::max_pool_backward(s, which, dy, dx);
  const float expected[] = {10, 0, 0, 0, 0, 30, 0, 0, 0, 0, 20, 0};
  for (std::size_t i = 0; i < 12; ++i) CHECK(dx[i] == expected[i]);
}

TEST_CASE("max pool of windows that hold minus infinity alone", "[max_pool]") {
  const PoolShape s{{1, 2, 2, 1}, {}};
  const float low = -std::numeric_limits<float>::infinity();
  const float x[] = {low, low, low, low};
  float y[1];
  std::uint8_t which[1];
  cpu::max_pool(s, x, y, which);
  CHECK(y[0] == low);
  CHECK(which[0] == 0);
}

TEST_CASE("max pool agrees with the plain reference", "[max_pool]") {
  for_each_shape([](const PoolShape& s) {
    Tensor x = test::random_tensor(s.x, 1);
    for (std::size_t i = 0; i < x.size(); ++i) x.f32()[i] = std::round(x.f32()[i] * 4);  // ties
    const Tensor dy = test::random_tensor(s.y(), 2);
    Tensor y(s.y()), expected(s.y()), without(s.y()), dx(s.x), dx_expected(s.x);
    std::vector<std::uint8_t> which(y.size()), which_expected(y.size());
    cpu::max_pool(s, x.f32(), y.f32(), which.data());
    cpu::max_pool(s, x.f32(), without.f32(), nullptr);
    ref::max_pool(s, x.f32(), expected.f32(), which_expected.data());
    CHECK(test::difference(y, expected, 0, 0) == "");
    CHECK(test::difference(without, expected, 0, 0) == "");
    CHECK(which == which_expected);
    cpu::max_pool_backward(s, which.data(), dy.f32(), dx.f32());
    ref::max_pool_backward(s, which.data(), dy.f32(), dx_expected.f32());
    CHECK(test::difference(dx, dx_expected, 1e-6, 1e-6) == "");
  });
}

TEST_CASE("average pool of numbers a person can check", "[average_pool]") {
  const PoolShape s{{1, 1, 3, 1}, {.kh = 1, .kw = 2, .stride_h = 1, .stride_w = 2, .pad_left = 1}};
  const float x[] = {3, 5, 9};
  float y[2];
  cpu::average_pool(s, true, x, y);
  CHECK(y[0] == 1.5f);
  CHECK(y[1] == 7);
  cpu::average_pool(s, false, x, y);
  CHECK(y[0] == 3);
  CHECK(y[1] == 7);
}

TEST_CASE("average pool agrees with the plain reference", "[average_pool]") {
  for_each_shape([](const PoolShape& s) {
    const Tensor x = test::random_tensor(s.x, 1);
    const Tensor dy = test::random_tensor(s.y(), 2);
    for (const bool include : {true, false}) {
      Tensor y(s.y()), expected(s.y()), dx(s.x), dx_expected(s.x);
      cpu::average_pool(s, include, x.f32(), y.f32());
      ref::average_pool(s, include, x.f32(), expected.f32());
      CHECK(test::difference(y, expected, 1e-6, 1e-6) == "");
      cpu::average_pool_backward(s, include, dy.f32(), dx.f32());
      ref::average_pool_backward(s, include, dy.f32(), dx_expected.f32());
      CHECK(test::difference(dx, dx_expected, 1e-6, 1e-6) == "");
    }
  });
}

TEST_CASE("the comparison catches an average that counts the padding", "[average_pool]") {
  const PoolShape s{{1, 7, 7, 3}, kWindows[1]};
  const Tensor x = test::random_tensor(s.x, 1);
  Tensor with(s.y()), without(s.y());
  cpu::average_pool(s, true, x.f32(), with.f32());
  ref::average_pool(s, false, x.f32(), without.f32());
  CHECK(test::difference(with, without, 1e-6, 1e-6) != "");
}

TEST_CASE("global average pool agrees with the plain reference", "[global_average_pool]") {
  for (const std::size_t size : {1, 2, 7, 31, 33, 200}) {
    for (const std::size_t c : {1, 3, 16, 33, 130}) {
      const Shape s{2, size, size, c};
      const Tensor x = test::random_tensor(s, 1);
      const Tensor dy = test::random_tensor({2, 1, 1, c}, 2);
      Tensor y(dy.shape()), expected(dy.shape()), dx(s), dx_expected(s);
      cpu::global_average_pool(s, x.f32(), y.f32());
      ref::global_average_pool(s, x.f32(), expected.f32());
      CHECK(test::difference(y, expected, 1e-6, 1e-7) == "");
      cpu::global_average_pool_backward(s, dy.f32(), dx.f32());
      ref::global_average_pool_backward(s, dy.f32(), dx_expected.f32());
      CHECK(test::difference(dx, dx_expected, 1e-6, 0) == "");
    }
  }
}

TEST_CASE("pooling gives the same bits for any thread count", "[pool]") {
  const PoolShape s{{3, 129, 130, 32}, kWindows[1]};  // large enough to be streamed
  const Tensor x = test::random_tensor(s.x, 1);
  const Tensor dy = test::random_tensor(s.y(), 2);
  std::vector<std::uint8_t> which(dy.size());
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y(s.y());
          cpu::max_pool(s, x.f32(), y.f32(), which.data());
          return y;
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor dx(s.x);
          cpu::max_pool_backward(s, which.data(), dy.f32(), dx.f32());
          return dx;
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor dx(s.x);
          cpu::average_pool_backward(s, false, dy.f32(), dx.f32());
          return dx;
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y({3, 1, 1, 32});
          cpu::global_average_pool(s.x, x.f32(), y.f32());
          return y;
        }) == "");
}

}  // namespace
}  // namespace tinct
