// Losses: hand numbers, the SIMD versions against the plain ones, hostile numbers, planted faults.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "kernels/blurred_euclidean.h"
#include "kernels/pixel_loss.h"
#include "kernels/softmax_cross_entropy.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

constexpr Penalty kPenalties[] = {Penalty::l1, Penalty::l2, Penalty::huber,
                                  Penalty::bce_with_logits};

Tensor scaled(Tensor t, float factor) {
  for (std::size_t i = 0; i < t.size(); ++i) t.f32()[i] *= factor;
  return t;
}

Tensor positive(Shape shape, std::uint64_t seed) {
  Tensor t = random_tensor(shape, seed);
  for (std::size_t i = 0; i < t.size(); ++i) t.f32()[i] = 0.5f * (t.f32()[i] + 1);
  return t;
}

// A value and its gradient as one tensor, for comparing both.
Tensor joined(double value, const Tensor& gradient) {
  Tensor t({1, 1, 1, gradient.size() + 1});
  std::copy_n(gradient.f32(), gradient.size(), t.f32());
  t.f32()[gradient.size()] = static_cast<float>(value);
  return t;
}

TEST_CASE("pixel losses: hand numbers", "[loss]") {
  const float p[] = {1, -3}, t[] = {0.5f, 0};
  float g[2];
  CHECK(cpu::pixel_loss({Penalty::l1, 1, 2, 1}, p, t, nullptr, g) == Approx(1.75));
  CHECK(g[0] == 0.5f);
  CHECK(g[1] == -0.5f);
  CHECK(cpu::pixel_loss({Penalty::l2, 1, 2, 1}, p, t, nullptr, g) == Approx(4.625));
  CHECK(g[0] == 0.5f);
  CHECK(g[1] == -3.0f);
  // 1/8 inside the parabola, 2 (3 - 1) beyond it.
  CHECK(cpu::pixel_loss({Penalty::huber, 1, 2, 2}, p, t, nullptr, g) == Approx(4.125 / 2));
  CHECK(g[0] == 0.25f);
  CHECK(g[1] == -1.0f);
  const float weight[] = {3};
  CHECK(cpu::pixel_loss({Penalty::l1, 1, 2, 1}, p, t, weight, g) == Approx(5.25));
  CHECK(g[0] == 1.5f);
  CHECK(cpu::pixel_loss({Penalty::bce_with_logits, 1, 2, 1}, p, t, nullptr, g) ==
        Approx((std::log1p(std::exp(1)) - 0.5 + std::log1p(std::exp(-3))) / 2));
  CHECK(g[1] == Approx(0.5 / (1 + std::exp(3))));
}

TEST_CASE("pixel losses agree with the plain reference", "[loss]") {
  for (const Penalty penalty : kPenalties) {
    for (const std::size_t pixels : {1, 2, 7, 31, 32, 33, 5000}) {
      for (const std::size_t c : {1, 2, 3, 37}) {
        for (const bool weighted : {false, true}) {
          const PixelLoss loss{penalty, pixels, c, 0.7f};
          INFO("penalty " << int(penalty) << ", " << pixels << " pixels of " << c);
          const Shape s{1, 1, pixels, c};
          const Tensor p = scaled(random_tensor(s, 1), 9);
          const Tensor t = positive(s, 2);
          const Tensor w = positive({1, 1, pixels, 1}, 3);
          const float* weight = weighted ? w.f32() : nullptr;
          Tensor g(s), expected(s);
          const double value = cpu::pixel_loss(loss, p.f32(), t.f32(), weight, g.f32());
          const double reference = ref::pixel_loss(loss, p.f32(), t.f32(), weight, expected.f32());
          REQUIRE(value == Approx(reference).epsilon(1e-6));
          REQUIRE(test::difference(g, expected, 1e-6, 2e-7 / double(s.size())) == "");
          REQUIRE(cpu::pixel_loss(loss, p.f32(), t.f32(), weight, nullptr) ==
                  Approx(value).epsilon(2e-7));
        }
      }
    }
  }
}

TEST_CASE("bce with logits survives enormous logits; NaN shows", "[loss]") {
  const float p[] = {1000, -1000, 1000, -1000}, t[] = {1, 0, 0, 1};
  float g[4];
  CHECK(cpu::pixel_loss({Penalty::bce_with_logits, 1, 4, 1}, p, t, nullptr, g) == Approx(500));
  CHECK(g[0] == 0);
  CHECK(g[2] == 0.25f);
  CHECK(g[3] == -0.25f);
  const float nan[] = {std::numeric_limits<float>::quiet_NaN(), 0, 0, 0};
  for (const Penalty penalty : kPenalties) {
    CHECK(std::isnan(cpu::pixel_loss({penalty, 1, 4, 1}, nan, t, nullptr, g)));
  }
}

struct SoftmaxCase {
  SoftmaxShape shape;
  Tensor logits, index, target, class_weight;

  SoftmaxCase(std::size_t pixels, std::size_t bins, std::size_t neighbours)
      : shape{pixels, bins, neighbours, ClassWeighting::each_bin},
        logits(scaled(random_tensor({1, 1, pixels, bins}, 1), 8)),
        index({1, 1, pixels, std::max<std::size_t>(1, neighbours)}),
        target(positive({1, 1, pixels, neighbours ? neighbours : bins}, 2)),
        class_weight(positive({1, 1, 1, bins}, 3)) {
    const Random random(4, Purpose::test);
    for (std::size_t i = 0; i < index.size(); ++i) {
      index.f32()[i] = static_cast<float>(random.below(i, static_cast<std::uint32_t>(bins)));
    }
  }
  template <class F>
  double run(F f, bool weighted, float* gradient) const {
    return f(shape, logits.f32(), index.f32(), target.f32(),
             weighted ? class_weight.f32() : nullptr, gradient);
  }
};

TEST_CASE("softmax cross-entropy agrees with the plain reference", "[loss]") {
  for (const std::size_t bins : {1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 50, 313}) {
    for (const std::size_t pixels : {1, 2, 7, 65}) {
      for (const std::size_t neighbours : {0, 1, 5}) {
        SoftmaxCase c(pixels, bins, neighbours);
        for (const int weighting : {0, 1, 2}) {
          c.shape.weighting = weighting == 2 ? ClassWeighting::top_bin : ClassWeighting::each_bin;
          INFO(pixels << " pixels, " << bins << " bins, " << neighbours << " neighbours, weighting "
                      << weighting);
          Tensor g(c.logits.shape()), expected(c.logits.shape());
          const double value = c.run(cpu::softmax_cross_entropy, weighting, g.f32());
          const double reference = c.run(ref::softmax_cross_entropy, weighting, expected.f32());
          REQUIRE(value == Approx(reference).epsilon(1e-6).margin(1e-6));
          REQUIRE(test::difference(g, expected, 1e-6, 5e-6 / double(pixels)) == "");
          REQUIRE(c.run(cpu::softmax_cross_entropy, weighting, nullptr) ==
                  Approx(value).epsilon(2e-7));
        }
      }
    }
  }
}

TEST_CASE("softmax cross-entropy: hand numbers and enormous logits", "[loss]") {
  const float logits[] = {0, 0}, target[] = {1, 0};
  float g[2];
  CHECK(cpu::softmax_cross_entropy({1, 2}, logits, nullptr, target, nullptr, g) ==
        Approx(std::log(2)));
  CHECK(g[0] == -0.5f);
  CHECK(g[1] == 0.5f);
  const float far[] = {10000, -10000};
  CHECK(cpu::softmax_cross_entropy({1, 2}, far, nullptr, target, nullptr, g) == 0);
  const float other[] = {0, 1};
  CHECK(cpu::softmax_cross_entropy({1, 2}, far, nullptr, other, nullptr, g) == 20000);
  CHECK(g[0] == 1);
  CHECK(g[1] == -1);
  const float nan[] = {0, std::numeric_limits<float>::quiet_NaN()};
  CHECK(std::isnan(cpu::softmax_cross_entropy({1, 2}, nan, nullptr, target, nullptr, g)));
}

BlurredEuclidean blurred(Shape s) {
  return {s, {gaussian_taps(3, kDahlSigma), gaussian_taps(5, kDahlSigma)}};
}

TEST_CASE("blurred Euclidean loss agrees with the plain reference", "[loss]") {
  for (const std::size_t size : {1, 2, 7, 31, 32, 33, 70}) {
    for (const std::size_t c : {1, 2, 3}) {
      for (const int option : {0, 1, 2}) {
        const Shape s{2, size, size % 5 + 1, c};
        INFO(to_string(s) << " option " << option);
        BlurredEuclidean loss = blurred(s);
        if (option == 1) loss.border = Border::zero;
        if (option == 2) loss.squared = false;
        const Tensor p = random_tensor(s, 1);
        const Tensor t = random_tensor(s, 2);
        Tensor g(s), expected(s);
        const double value = cpu::blurred_euclidean(loss, p.f32(), t.f32(), g.f32());
        const double reference = ref::blurred_euclidean(loss, p.f32(), t.f32(), expected.f32());
        REQUIRE(value == Approx(reference).epsilon(1e-6));
        REQUIRE(test::difference(g, expected, 1e-5, 1e-6 / double(s.size())) == "");
        REQUIRE(cpu::blurred_euclidean(loss, p.f32(), t.f32(), nullptr) ==
                Approx(value).epsilon(2e-7));
      }
    }
  }
}

TEST_CASE("a constant difference costs its square at every scale", "[loss]") {
  const Shape s{1, 6, 9, 2};
  const Tensor p = Tensor::full(s, 0.75f);
  const Tensor t = Tensor::full(s, 0.25f);
  CHECK(cpu::blurred_euclidean(blurred(s), p.f32(), t.f32(), nullptr) == Approx(0.25));
}

TEST_CASE("a planted fault in a gradient is found", "[loss]") {
  const SoftmaxCase c(7, 33, 5);
  Tensor g(c.logits.shape()), expected(c.logits.shape());
  c.run(cpu::softmax_cross_entropy, true, g.f32());
  c.run(ref::softmax_cross_entropy, false, expected.f32());  // the class weights forgotten
  CHECK(test::difference(g, expected, 1e-6, 5e-6) != "");
}

TEST_CASE("losses give the same bits for any thread count", "[loss]") {
  const Shape s{3, 70, 45, 2};
  const Tensor p = random_tensor(s, 1);
  const Tensor t = positive(s, 2);
  for (const Penalty penalty : kPenalties) {
    CHECK(test::same_bits_for_any_threads([&] {
            Tensor g(s);
            const PixelLoss loss{penalty, s.pixels(), s.c, 1};
            return joined(cpu::pixel_loss(loss, p.f32(), t.f32(), nullptr, g.f32()), g);
          }) == "");
  }
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor g(s);
          return joined(cpu::blurred_euclidean(blurred(s), p.f32(), t.f32(), g.f32()), g);
        }) == "");
  const SoftmaxCase c(500, 37, 5);
  CHECK(test::same_bits_for_any_threads([&] {
          Tensor g(c.logits.shape());
          return joined(c.run(cpu::softmax_cross_entropy, true, g.f32()), g);
        }) == "");
}

}  // namespace
}  // namespace tinct
