// The convolution over a hypercolumn that is never built, against the one that is.
#include <catch2/catch.hpp>

#include "layers/bilinear_upsample.h"
#include "layers/concat.h"
#include "layers/conv2d.h"
#include "layers/count.h"
#include "layers/hypercolumn.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

Value naive(const std::vector<Value>& maps, const Value& w, const Value& bias, std::size_t oh,
            std::size_t ow, Align align) {
  std::vector<Value> large;
  for (const Value& map : maps) large.push_back(bilinear_upsample(map, oh, ow, align));
  return conv2d(large.size() == 1 ? large[0] : concat(large), w, bias, same_padding(w.shape().h));
}

struct Case {
  std::vector<Shape> maps;
  std::size_t k, kernel, oh, ow;
  bool bias;

  std::size_t channels() const {
    std::size_t sum = 0;
    for (const Shape& s : maps) sum += s.c;
    return sum;
  }
  // Maps, weights and bias.
  std::vector<Tensor> tensors() const {
    std::vector<Tensor> all;
    for (const Shape& s : maps) all.push_back(random_tensor(s, all.size() + 1));
    all.push_back(random_tensor({k, kernel, kernel, channels()}, 20));
    if (bias) all.push_back(random_tensor({1, 1, 1, k}, 21));
    return all;
  }
};

std::vector<Value> leaves(const Case& c) {
  std::vector<Value> values;
  for (Tensor& t : c.tensors()) values.emplace_back(std::move(t), true);
  if (!c.bias) values.emplace_back();
  return values;
}

template <class F>
Value apply(const F& f, const Case& c, const std::vector<Value>& values, Align align) {
  const std::vector<Value> maps(values.begin(),
                                values.begin() + static_cast<std::ptrdiff_t>(c.maps.size()));
  return f(maps, values[maps.size()], values[maps.size() + 1], c.oh, c.ow, align);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::size_t kernel : {1, 3, 5}) {
    // The published order and scales, two maps of full size first; odd sizes; one small map alone;
    // maps of full size alone; more output channels than a block holds.
    all.push_back({{{2, 16, 24, 3}, {2, 16, 24, 5}, {2, 8, 12, 7}, {2, 4, 6, 9}, {2, 2, 3, 11}},
                   6,
                   kernel,
                   16,
                   24,
                   false});
    all.push_back({{{1, 4, 3, 5}, {1, 17, 13, 2}, {1, 1, 1, 4}}, 7, kernel, 17, 13, true});
    all.push_back({{{2, 3, 5, 4}}, 3, kernel, 6, 10, true});
    all.push_back({{{1, 3, 3, 4}, {1, 2, 2, 2}}, 2, kernel, 7, 5, false});
    all.push_back({{{1, 9, 8, 3}, {1, 9, 8, 2}}, 5, kernel, 9, 8, true});
    all.push_back({{{1, 12, 8, 3}, {1, 6, 4, 5}}, 131, kernel, 12, 8, true});
  }
  return all;
}

TEST_CASE("the hypercolumn split by map equals the naive one, gradients included",
          "[hypercolumn]") {
  const Align align = GENERATE(Align::half_pixel, Align::corners, Align::legacy);
  for (const Case& c : cases()) {
    INFO("kernel " << c.kernel << " to " << c.oh << "x" << c.ow << " k " << c.k << " align "
                   << static_cast<int>(align));
    const std::vector<Value> a = leaves(c);
    const std::vector<Value> b = leaves(c);
    const Value split = apply(hypercolumn_conv2d, c, a, align);
    const Value built = apply(naive, c, b, align);
    CHECK(test::relative_error(split.data(), built.data(), 1e-6) == "");
    const Tensor dy = random_tensor(split.shape(), 30);
    split.backward(dy);
    built.backward(dy);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!a[i].defined()) continue;
      INFO("input " << i);
      CHECK(test::relative_error(a[i].grad(), b[i].grad(), 1e-6) == "");
    }
  }
}

TEST_CASE("the published hypercolumn: 963 channels, within 1e-5 of the naive form",
          "[hypercolumn]") {
  const Case c{
      {{1, 48, 40, 3}, {1, 48, 40, 64}, {1, 24, 20, 128}, {1, 12, 10, 256}, {1, 6, 5, 512}},
      128,
      3,
      48,
      40,
      false};
  REQUIRE(c.channels() == 963);
  const std::vector<Value> values = leaves(c);
  const NoGrad no_grad;
  CHECK(test::relative_error(apply(hypercolumn_conv2d, c, values, Align::half_pixel).data(),
                             apply(naive, c, values, Align::half_pixel).data(), 1e-5) == "");
}

TEST_CASE("the hypercolumn's gradients by differences; frozen maps get none", "[hypercolumn]") {
  const Case c{{{1, 4, 6, 2}, {1, 2, 3, 3}}, 4, 3, 4, 6, true};
  const auto f = [&](const std::vector<Value>& in) {
    return apply(hypercolumn_conv2d, c, in, Align::half_pixel);
  };
  CHECK(test::check_gradients(f, c.tensors()) == "");
  std::vector<Value> values = leaves(c);
  for (std::size_t i : {0, 1}) values[i].set_requires_grad(false);
  f(values).backward();
  CHECK_FALSE(values[0].has_grad());
  CHECK_FALSE(values[1].has_grad());
  CHECK(values[2].has_grad());
}

TEST_CASE("the hypercolumn: the same bits for any number of threads; arithmetic as defined",
          "[hypercolumn]") {
  const Case c = cases()[6];
  CHECK(test::same_bits_for_any_threads([&] {
          return apply(hypercolumn_conv2d, c, leaves(c), Align::half_pixel).data();
        }) == "");
  CHECK(test::same_bits_for_any_threads([&] {
          const std::vector<Value> values = leaves(c);
          apply(hypercolumn_conv2d, c, values, Align::half_pixel).backward();
          return values[c.maps.size()].grad();
        }) == "");
  MacCounter split;
  apply(hypercolumn_conv2d, c, leaves(c), Align::half_pixel);
  CHECK(split.macs() == 2 * 16 * 24 * 6 * 9 * c.channels());
}

TEST_CASE("the hypercolumn refuses what does not fit", "[hypercolumn]") {
  const auto refused = [](const std::vector<Shape>& maps, Shape w, std::size_t oh) {
    std::vector<Value> values;
    for (const Shape& s : maps) values.emplace_back(Tensor::zeros(s));
    CHECK_THROWS_AS(hypercolumn_conv2d(values, Value(Tensor::zeros(w)), {}, oh, 8),
                    std::invalid_argument);
  };
  refused({}, {2, 3, 3, 1}, 8);
  refused({{1, 8, 8, 2}, {1, 4, 4, 2}}, {2, 3, 3, 3}, 8);
  refused({{1, 8, 8, 2}}, {2, 2, 2, 2}, 8);
  refused({{1, 8, 8, 2}}, {2, 3, 1, 2}, 8);
  refused({{1, 8, 8, 2}, {2, 4, 4, 2}}, {2, 3, 3, 4}, 8);
  refused({{1, 8, 8, 2}}, {2, 3, 3, 2}, 0);
}

}  // namespace
}  // namespace tinct
