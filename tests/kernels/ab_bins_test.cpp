// Bins of the ab plane: the paper's table, soft encoding, weights, annealed mean.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/random.h"
#include "kernels/ab_bins.h"

namespace tinct {
namespace {

struct Encoding {
  std::vector<float> index, weight;
};

Encoding encode(float a, float b, std::size_t k) {
  const auto bins = zhang_bins();
  const float ab[] = {a, b};
  Encoding e{std::vector<float>(k), std::vector<float>(k)};
  soft_encode(bins.size() / 2, bins.data(), 1, ab, k, 5, e.index.data(), e.weight.data());
  return e;
}

void check_encoding(const Encoding& e, const Encoding& expected) {
  CHECK(e.index == expected.index);
  for (std::size_t i = 0; i < e.weight.size(); ++i) {
    CHECK(e.weight[i] == Approx(expected.weight[i]).margin(4e-6));
  }
}

TEST_CASE("the 313 bins and the full grid", "[ab_bins]") {
  const auto bins = zhang_bins();
  REQUIRE(bins.size() == 2 * 313);
  const auto at = [&](std::size_t i) { return std::pair{bins[2 * i], bins[2 * i + 1]}; };
  CHECK(at(0) == std::pair{-90.0f, 50.0f});
  CHECK(at(120) == std::pair{0.0f, 0.0f});
  CHECK(at(138) == std::pair{10.0f, -10.0f});
  CHECK(at(157) == std::pair{20.0f, 0.0f});
  CHECK(at(306) == std::pair{100.0f, -60.0f});
  CHECK(at(312) == std::pair{100.0f, 0.0f});
  for (std::size_t i = 1; i < 313; ++i) CHECK(at(i - 1) < at(i));
  const auto grid = full_grid_bins();
  REQUIRE(grid.size() == 2 * 529);
  CHECK(grid.front() == -110);
  CHECK(grid.back() == 110);
}

TEST_CASE("soft encoding: the reference values, ties to the lowest index", "[ab_bins]") {
  check_encoding(encode(12.3f, -4.5f, 5),
                 {{139, 138, 157, 156, 120}, {.401558f, .328768f, .136367f, .111648f, .021658f}});
  check_encoding(encode(0, 0, 5),
                 {{120, 102, 119, 121, 139}, {.648786f, .087804f, .087804f, .087804f, .087804f}});
  check_encoding(encode(98.233f, -60.821f, 5),
                 {{306, 289, 305, 307, 288}, {.620596f, .170283f, .116640f, .060478f, .032004f}});
  check_encoding(encode(0, 0, 1), {{120}, {1}});
  check_encoding(encode(5, 5, 1), {{120}, {1}});  // four bins are as near
  // Far outside the gamut the weights do not underflow.
  const Encoding far = encode(1000, 1000, 5);
  CHECK(std::accumulate(far.weight.begin(), far.weight.end(), 0.0) == Approx(1));
}

TEST_CASE("soft encoding finds what sorting finds", "[ab_bins]") {
  const auto bins = full_grid_bins();
  const std::size_t q = bins.size() / 2;
  constexpr std::size_t kPixels = 300, kNearest = 7;
  const Random random(5, Purpose::test);
  std::vector<float> ab(2 * kPixels);
  for (std::size_t i = 0; i < ab.size(); ++i) {
    // Every third on a quarter of the grid, where ties are common; some outside.
    ab[i] = 260 * random.uniform(i) - 130;
    if (i / 2 % 3 == 0) ab[i] = 5 * std::round(ab[i] / 5);
  }
  std::vector<float> index(kPixels * kNearest), weight(index.size());
  soft_encode(q, bins.data(), kPixels, ab.data(), kNearest, 5, index.data(), weight.data());
  for (std::size_t i = 0; i < kPixels; ++i) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t bin = 0; bin < q; ++bin) {
      const double a = double{ab[2 * i]} - bins[2 * bin];
      const double b = double{ab[2 * i + 1]} - bins[2 * bin + 1];
      all.emplace_back(a * a + b * b, bin);
    }
    std::sort(all.begin(), all.end());
    for (std::size_t k = 0; k < kNearest; ++k) {
      REQUIRE(index[i * kNearest + k] == static_cast<float>(all[k].second));
    }
  }
}

TEST_CASE("encoding all 313 bins sums to one", "[ab_bins]") {
  const Encoding e = encode(12.3f, -4.5f, 313);
  CHECK(std::accumulate(e.weight.begin(), e.weight.end(), 0.0) == Approx(1));
  for (std::size_t i = 1; i < 313; ++i) CHECK(e.weight[i] <= e.weight[i - 1]);
}

TEST_CASE("rebalancing weights: expectation one, rare bins weigh more, bounded", "[ab_bins]") {
  const auto bins = zhang_bins();
  std::vector<double> prior(313);
  prior[120] = 0.7;
  prior[121] = 0.2;
  prior[0] = 0.1;
  const auto smooth = smooth_prior(313, bins.data(), prior, 5);
  CHECK(std::accumulate(smooth.begin(), smooth.end(), 0.0) == Approx(1));
  // Smoothed in the plane: (10,0), a column away, gets as much of (0,0) as (0,-10) beside it does.
  CHECK(smooth[139] > 0.03);
  CHECK(smooth[139] == Approx(smooth[102]).epsilon(1e-4));
  const auto w = rebalancing_weights(smooth, 0.5);
  double expectation = 0;
  for (std::size_t i = 0; i < 313; ++i) expectation += smooth[i] * w[i];
  CHECK(expectation == Approx(1));
  CHECK(w[120] < w[121]);
  CHECK(w[121] < w[200]);
  CHECK(w[200] / w[120] == Approx(1 + 313 * smooth[120]).epsilon(1e-4));  // an empty bin
  const auto flat = rebalancing_weights(std::vector<double>(4, 0.25), 0.5);
  for (const float v : flat) CHECK(v == Approx(1));
}

TEST_CASE("annealed mean: from the mean to the mode", "[ab_bins]") {
  const float bins[] = {0, 0, 40, 40, 0, -60};
  const float logits[] = {std::log(.5f), std::log(.3f), std::log(.2f)};
  struct Expected {
    float temperature, a, b;
  };
  for (const Expected& e : {Expected{1, 12.000f, 0.000f},
                            {.77f, 11.325f, 1.292f},
                            {.58f, 10.231f, 2.603f},
                            {.38f, 7.723f, 3.737f},
                            {.29f, 5.659f, 3.562f},
                            {.14f, 1.013f, .929f}}) {
    float ab[2];
    annealed_mean(3, bins, 1, logits, e.temperature, ab);
    CHECK(std::abs(ab[0] - e.a) < 6e-4);
    CHECK(std::abs(ab[1] - e.b) < 6e-4);
  }
  const float enormous[] = {9000, 10000, -10000};
  float ab[2];
  annealed_mean(3, bins, 1, enormous, .38f, ab);
  CHECK(ab[0] == 40);
}

}  // namespace
}  // namespace tinct
