// Dropout: the mask is the Philox stream's, scaled to keep the mean.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/dropout.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

Tensor dropped(const Tensor& x, const Random& random, float rate) {
  Tensor y(x.shape());
  cpu::dropout(random, rate, x.size(), x.f32(), y.f32());
  return y;
}

TEST_CASE("dropout agrees with the plain reference", "[dropout]") {
  for (const std::size_t count : {1, 2, 7, 31, 32, 33, 63, 64, 65, 1000, 40000}) {
    for (const float rate : {0.0f, 0.1f, 0.5f, 0.999f}) {
      INFO(count << " elements, rate " << rate);
      const Random random(count, Purpose::dropout, 3, 5);
      const Tensor x = random_tensor({1, 1, 1, count}, 1);
      Tensor expected(x.shape());
      ref::dropout(random, rate, count, x.f32(), expected.f32());
      REQUIRE(test::difference(dropped(x, random, rate), expected, 0, 0) == "");
    }
  }
}

TEST_CASE("dropout keeps the mean, and drops a NaN like any number", "[dropout]") {
  const Random random(1, Purpose::dropout);
  const Tensor y = dropped(Tensor::full({1, 1, 1, 100000}, 1), random, 0.3f);
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += y.f32()[i];
  CHECK(std::abs(sum / 100000 - 1) < 0.01);  // five standard deviations
  const Tensor nans = Tensor::full({1, 1, 1, 64}, std::numeric_limits<float>::quiet_NaN());
  const Tensor z = dropped(nans, random, 0.5f);
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(std::isnan(z.f32()[i]) == (random.bits(i) >= dropout_threshold(0.5f)));
  }
}

TEST_CASE("another step or layer draws another mask", "[dropout]") {
  const Tensor x = Tensor::full({1, 1, 1, 256}, 1);
  const Tensor a = dropped(x, Random(1, Purpose::dropout, 1, 1), 0.5f);
  CHECK(test::difference(a, dropped(x, Random(1, Purpose::dropout, 1, 1), 0.5f), 0, 0) == "");
  CHECK(test::difference(a, dropped(x, Random(1, Purpose::dropout, 2, 1), 0.5f), 0, 0) != "");
  CHECK(test::difference(a, dropped(x, Random(1, Purpose::dropout, 1, 2), 0.5f), 0, 0) != "");
}

TEST_CASE("channel dropout keeps or drops a channel of a sample whole, as the reference does",
          "[dropout]") {
  for (const Shape s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{3, 4, 4, 33}}) {
    INFO(to_string(s));
    const Random random(s.c, Purpose::dropout, 3, 5);
    const Tensor x = random_tensor(s, 1);
    Tensor y(s), expected(s);
    ref::channel_dropout(random, 0.5f, s.n, s.h * s.w, s.c, x.f32(), expected.f32());
    cpu::channel_dropout(random, 0.5f, s.n, s.h * s.w, s.c, x.f32(), y.f32());
    CHECK(test::difference(y, expected, 0, 0) == "");
    for (std::size_t i = 0; i < s.size(); ++i) {
      const std::size_t word = i / (s.h * s.w * s.c) * s.c + i % s.c;
      const bool kept = random.bits(word) >= dropout_threshold(0.5f);
      REQUIRE(y.f32()[i] == (kept ? 2 * x.f32()[i] : 0));
    }
  }
}

TEST_CASE("dropout gives the same bits for any thread count", "[dropout]") {
  const Tensor x = random_tensor({1, 1, 1, 100003}, 1);
  CHECK(test::same_bits_for_any_threads(
            [&] { return dropped(x, Random(9, Purpose::dropout), 0.5f); }) == "");
}

}  // namespace
}  // namespace tinct
