// Concatenation: the SIMD version against the plain one.
#include "kernels/concat.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

TEST_CASE("concat of numbers a person can check", "[concat]") {
  const float a[] = {1, 2};
  const float b[] = {10, 11, 20, 21};
  float y[6];
  cpu::concat(2, {{a, 1}, {b, 2}}, y);
  const float expected[] = {1, 10, 11, 2, 20, 21};
  for (std::size_t i = 0; i < 6; ++i) CHECK(y[i] == expected[i]);
}

TEST_CASE("concat agrees with the plain reference, and its gradient takes it apart", "[concat]") {
  for (const std::size_t rows : {1, 2, 7, 31, 32, 33, 40'000}) {
    for (const auto& [ca, cb, cc] : {std::tuple{1, 2, 3}, {16, 32, 16}, {31, 1, 33}}) {
      const Shape sa{1, 1, rows, static_cast<std::size_t>(ca)};
      const Shape sb{1, 1, rows, static_cast<std::size_t>(cb)};
      const Shape sc{1, 1, rows, static_cast<std::size_t>(cc)};
      const Tensor a = test::random_tensor(sa, 1);
      const Tensor b = test::random_tensor(sb, 2);
      const Tensor c = test::random_tensor(sc, 3);
      Tensor y({1, 1, rows, sa.c + sb.c + sc.c}), expected(y.shape());
      const std::vector<ConcatInput> inputs = {{a.f32(), sa.c}, {b.f32(), sb.c}, {c.f32(), sc.c}};
      cpu::concat(rows, inputs, y.f32());
      ref::concat(rows, inputs, expected.f32());
      CHECK(test::difference(y, expected, 0, 0) == "");
      Tensor da(sa), dc(sc);
      cpu::concat_backward(rows, y.f32(), {{da.f32(), sa.c}, {nullptr, sb.c}, {dc.f32(), sc.c}});
      CHECK(test::difference(da, a, 0, 0) == "");
      CHECK(test::difference(dc, c, 0, 0) == "");
      ref::concat_backward(rows, y.f32(), {{nullptr, sa.c}, {nullptr, sb.c}, {dc.f32(), sc.c}});
      CHECK(test::difference(dc, c, 0, 0) == "");
    }
  }
}

TEST_CASE("concat gives the same bits for any thread count", "[concat]") {
  const Tensor a = test::random_tensor({1, 1, 40'000, 16}, 1);
  const Tensor b = test::random_tensor({1, 1, 40'000, 32}, 2);
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y({1, 1, 40'000, 48});
          cpu::concat(40'000, {{a.f32(), 16}, {b.f32(), 32}}, y.f32());
          return y;
        }) == "");
}

}  // namespace
}  // namespace tinct
