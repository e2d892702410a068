// Products upsampled, shifted and added: an example, the reference, the adjoint, threads.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "kernels/shifted_upsample.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

struct Arrays {
  explicit Arrays(const ShiftedUpsample& s)
      : g(random_tensor({s.h, s.w, s.kernel * s.kernel, s.c}, 1)),
        y(random_tensor({1, s.oh, s.ow, s.y_pixel}, 2)) {}
  Tensor g, y;
};

std::vector<ShiftedUpsample> cases() {
  std::vector<ShiftedUpsample> all;
  for (const Align align : {Align::half_pixel, Align::corners, Align::legacy}) {
    for (const std::size_t kernel : {1, 3, 5}) {
      all.push_back({1, 1, 1, 1, kernel, 1, 1, align});
      all.push_back({2, 3, 4, 6, kernel, 3, 3, align});
      all.push_back({1, 7, 2, 31, kernel, 2, 5, align});
      all.push_back({4, 3, 32, 24, kernel, 33, 40, align});
      all.push_back({5, 4, 11, 33, kernel, 80, 80, align});
    }
  }
  return all;
}

TEST_CASE("a row of two, doubled: the taps of a person's arithmetic", "[shifted_upsample]") {
  // Doubling (0, 8) gives 0 2 6 8. The three taps all hold that row: a pixel is the sum of itself
  // and its neighbours, and beyond the ends there is nothing.
  const ShiftedUpsample s{1, 2, 1, 4, 3, 1, 1, Align::half_pixel};
  std::vector<float> g(18, 0.0f);
  for (std::size_t t = 3; t < 6; ++t) g[9 + t] = 8;
  std::vector<float> y = {1, 1, 1, 1};
  cpu::add_shifted_upsample(s, g.data(), y.data());
  CHECK(y == std::vector<float>{3, 9, 17, 15});
}

TEST_CASE("products added and their adjoint agree with the reference", "[shifted_upsample]") {
  for (const ShiftedUpsample& s : cases()) {
    INFO(s.h << "x" << s.w << " to " << s.oh << "x" << s.ow << " kernel " << s.kernel << " c "
             << s.c << " align " << static_cast<int>(s.align));
    const Arrays a(s);
    Tensor expected = a.y.clone();
    Tensor y = a.y.clone();
    ref::add_shifted_upsample(s, a.g.f32(), expected.f32());
    cpu::add_shifted_upsample(s, a.g.f32(), y.f32());
    CHECK(test::difference(y, expected, 1e-6, 2e-6) == "");
    Tensor dg(a.g.shape());
    Tensor expected_dg(a.g.shape());
    ref::shifted_upsample_backward(s, a.y.f32(), expected_dg.f32());
    cpu::shifted_upsample_backward(s, a.y.f32(), dg.f32());
    CHECK(test::difference(dg, expected_dg, 1e-6, 4e-6) == "");
  }
}

// The sums of both maps over rows that a callback fills with y; of the second map the products are
// made row by row.
Tensor several(const Arrays& a, const ShiftedUpsample& s, const Arrays& b,
               const ShiftedUpsample& t) {
  Tensor y(a.y.shape());
  const std::size_t row = s.ow * s.y_pixel, run = t.kernel * t.c;
  const auto fill = [&](std::size_t begin, std::size_t end, float* to) {
    std::copy(a.y.f32() + begin * row, a.y.f32() + end * row, to);
  };
  const auto products = [&](std::size_t i, std::size_t tap_row, float* to) {
    for (std::size_t x = 0; x < t.w; ++x, to += run) {
      std::copy_n(b.g.f32() + ((i * t.w + x) * t.kernel + tap_row) * run, run, to);
    }
  };
  cpu::add_shifted_upsamples({{s, a.g.f32(), {}}, {t, nullptr, products}}, fill, y.f32());
  return y;
}

TEST_CASE("several maps at once: the bits of one after the other, for any number of threads",
          "[shifted_upsample]") {
  for (const ShiftedUpsample& s : cases()) {
    ShiftedUpsample t = s;
    t.h = s.h + 2;
    t.w = 2 * s.w;
    INFO(s.h << "x" << s.w << " to " << s.oh << "x" << s.ow << " kernel " << s.kernel);
    const Arrays a(s), b(t);
    Tensor expected = a.y.clone();
    cpu::add_shifted_upsample(s, a.g.f32(), expected.f32());
    cpu::add_shifted_upsample(t, b.g.f32(), expected.f32());
    const Tensor y = several(a, s, b, t);
    CHECK(std::equal(y.f32(), y.f32() + y.size(), expected.f32()));
    CHECK(test::same_bits_for_any_threads([&] { return several(a, s, b, t); }) == "");
  }
}

TEST_CASE("products added: the same bits for any number of threads", "[shifted_upsample]") {
  const ShiftedUpsample s{9, 7, 35, 29, 3, 20, 24, Align::half_pixel};
  const Arrays a(s);
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor y = a.y.clone();
          cpu::add_shifted_upsample(s, a.g.f32(), y.f32());
          return y;
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor dg(a.g.shape());
          cpu::shifted_upsample_backward(s, a.y.f32(), dg.f32());
          return dg;
        }) == "");
}

}  // namespace
}  // namespace tinct
