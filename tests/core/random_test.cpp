// Philox against its published vectors, and the distributions built on it.
#include "core/random.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tinct;

TEST_CASE("Philox4x32-10 gives the vectors of the Random123 distribution") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is a pure function of its arguments, and each argument matters") {
  const Random a(1, Purpose::augment, 2, 3);
  CHECK(a.bits(5) == Random(1, Purpose::augment, 2, 3).bits(5));
  CHECK(a.bits(5) != a.bits(6));
  CHECK(a.bits(5) != Random(2, Purpose::augment, 2, 3).bits(5));
  CHECK(a.bits(5) != Random(1, Purpose::shuffle, 2, 3).bits(5));
  CHECK(a.bits(5) != Random(1, Purpose::augment, 3, 3).bits(5));
  CHECK(a.bits(5) != Random(1, Purpose::augment, 2, 4).bits(5));
}

TEST_CASE("uniform and normal numbers have the moments they should") {
  const Random r(42, Purpose::test);
  const int count = 200000;
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const double u = r.uniform(static_cast<std::uint64_t>(i));
    REQUIRE((u >= 0 && u < 1));
    mean += u, square += u * u;
    const double z = r.normal(static_cast<std::uint64_t>(i));
    normal_mean += z, normal_square += z * z, fourth += z * z * z * z;
  }
  CHECK(mean / count == Approx(0.5).margin(0.003));
  CHECK(square / count == Approx(1.0 / 3).margin(0.003));
  CHECK(normal_mean / count == Approx(0).margin(0.01));
  CHECK(normal_square / count == Approx(1).margin(0.02));
  CHECK(fourth / count == Approx(3).margin(0.15));
}

TEST_CASE("below stays below and reaches every value") {
  const Random r(7, Purpose::test);
  int seen[6] = {};
  for (std::uint64_t i = 0; i < 6000; ++i) {
    const std::uint32_t v = r.below(i, 6);
    REQUIRE(v < 6);
    ++seen[v];
  }
  for (const int s : seen) CHECK(std::abs(s - 1000) < 150);
}
