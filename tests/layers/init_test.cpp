// Drawn weights: their spread, their reproducibility, and modules made of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/fully_connected.h"
#include "layers/init.h"
#include "tests/check.h"

namespace tinct {
namespace {

struct Spread {
  double mean, deviation, largest;
};

Spread spread_of(const Tensor& t) {
  double sum = 0, squares = 0, largest = 0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double v = t.f32()[i];
    sum += v;
    squares += v * v;
    largest = std::max(largest, std::abs(v));
  }
  const double n = static_cast<double>(t.size());
  return {sum / n, std::sqrt(squares / n), largest};
}

void check_spread(const Tensor& t, double deviation, double largest) {
  const Spread s = spread_of(t);
  CHECK(std::abs(s.mean) < 0.02 * deviation);
  CHECK(s.deviation == Approx(deviation).epsilon(0.02));
  CHECK(s.largest <= largest * (1 + 1e-6));
  CHECK(s.largest > 0.9 * std::min(largest, 3.5 * deviation));
}

TEST_CASE("initial weights have the published spread", "[init]") {
  const Shape w{96, 3, 3, 64};  // fan in 576, fan out 864
  const double unbounded = 1e9;
  Initializer init(5);
  const double xavier = std::sqrt(2.0 / (576 + 864));
  const double he = std::sqrt(2.0 / 576);
  check_spread(init.xavier_uniform(w), xavier, xavier * std::sqrt(3.0));
  check_spread(init.xavier_uniform(w, 2), 2 * xavier, 2 * xavier * std::sqrt(3.0));
  check_spread(init.xavier_normal(w), xavier, unbounded);
  check_spread(init.he_uniform(w), he, he * std::sqrt(3.0));
  check_spread(init.he_normal(w), he, unbounded);
  check_spread(init.fan_in_uniform(w), std::sqrt(1.0 / 576 / 3), std::sqrt(1.0 / 576));
  check_spread(init.normal(w, 0.02), 0.02, unbounded);
  // The deviation of a standard normal cut at two is 0.87962566.
  check_spread(init.truncated_normal(w, 0.1), 0.087962566, 0.2);
  CHECK(spread_of(init.constant(w, -3)).mean == -3);
}

TEST_CASE("weights are a pure function of seed and order", "[init]") {
  Initializer a(7, InitScheme::xavier_uniform);
  Initializer b(7, InitScheme::xavier_uniform);
  Initializer other(8, InitScheme::xavier_uniform);
  const Shape w{4, 3, 3, 5};
  const Tensor first = a.draw(w);
  const Tensor second = a.draw(w);
  CHECK(test::difference(first, b.draw(w), 0, 0) == "");
  CHECK(test::difference(second, b.draw(w), 0, 0) == "");
  CHECK(test::difference(first, second, 1e-3, 1e-3) != "");
  CHECK(test::difference(first, other.draw(w), 1e-3, 1e-3) != "");
  Initializer direct(7);
  CHECK(test::difference(first, direct.xavier_uniform(w), 0, 0) == "");
}

TEST_CASE("modules name their parameters", "[init]") {
  Initializer init(1);
  const Conv2d conv = make_conv2d(3, 8, 5, same_padding(5), true, init);
  const ConvTranspose2d up = make_conv_transpose2d(8, 4, 4, pytorch_transpose(2, 1), false, init);
  const FullyConnected last = make_fully_connected(4, 2, true, init);
  Parameters parameters;
  conv.collect(parameters, "a");
  up.collect(parameters, "b");
  last.collect(parameters, "c");
  REQUIRE(parameters.size() == 5);
  CHECK(parameters[0].name == "a.weight");
  CHECK(parameters[0].value.shape() == Shape{8, 5, 5, 3});
  CHECK(parameters[1].name == "a.bias");
  CHECK(parameters[1].value.shape() == Shape{1, 1, 1, 8});
  CHECK(parameters[2].name == "b.weight");
  CHECK(parameters[3].name == "c.weight");
  CHECK(parameters[4].name == "c.bias");
  for (const Parameter& p : parameters) CHECK((p.value.requires_grad() && !p.buffer));
  const Value y = up(conv(Value(test::random_tensor({2, 6, 6, 3}, 1))));
  CHECK(y.shape() == Shape{2, 12, 12, 4});
}

}  // namespace
}  // namespace tinct
