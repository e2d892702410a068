// Softmax cross-entropy: every rung of tinct::gpu against the plain loops.
#include "kernels/softmax_cross_entropy.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

using Rung = decltype(&gpu::softmax_cross_entropy);
constexpr Rung kRungs[] = {gpu::softmax_cross_entropy_naive, gpu::softmax_cross_entropy_warp,
                           gpu::softmax_cross_entropy};

// Logits up to 20 in size; weights above 0, some of them equal; bins that may come twice.
struct Problem {
  Tensor logits, index, target, class_weight;

  explicit Problem(const SoftmaxShape& s)
      : logits(test::random_tensor({1, 1, s.pixels, s.bins}, 1)),
        index({1, 1, s.pixels, s.neighbours ? s.neighbours : 1}),
        target(test::random_tensor({1, 1, s.pixels, s.neighbours ? s.neighbours : s.bins}, 2)),
        class_weight(test::random_tensor({1, 1, 1, s.bins}, 3)) {
    for (std::size_t i = 0; i < logits.size(); ++i) logits.f32()[i] *= 20;
    for (std::size_t i = 0; i < index.size(); ++i) {
      index.f32()[i] = static_cast<float>(i * i * 7 % s.bins);
    }
    for (std::size_t i = 0; i < target.size(); ++i) {
      target.f32()[i] = std::ceil(10 * std::abs(target.f32()[i])) / 10;
    }
    for (std::size_t i = 0; i < class_weight.size(); ++i) {
      class_weight.f32()[i] = 0.1f + std::abs(class_weight.f32()[i]);
    }
  }
};

void check(const SoftmaxShape& s, bool weighted) {
  const Problem p(s);
  const float* const no = nullptr;
  Tensor gradient(p.logits.shape());
  const double value = ref::softmax_cross_entropy(
      s, p.logits.f32(), s.neighbours ? p.index.f32() : no, p.target.f32(),
      weighted ? p.class_weight.f32() : no, gradient.f32());
  const test::OnDevice logits(p.logits), index(p.index), target(p.target),
      class_weight(p.class_weight);
  INFO(s.pixels << " pixels of " << s.bins << ", " << s.neighbours << " neighbours");
  for (const Rung rung : kRungs) {
    test::OnDevice out(p.logits.shape());
    const auto run = [&](float* to) {
      return rung(s, logits.data(), s.neighbours ? index.data() : no, target.data(),
                  weighted ? class_weight.data() : no, to);
    };
    CHECK(run(out.data()) == Approx(value).epsilon(1e-5));
    CHECK(run(nullptr) == Approx(value).epsilon(1e-5));
    CHECK(test::difference(out.tensor(), gradient, 2e-5, 2e-6 / static_cast<double>(s.pixels)) ==
          "");
  }
}

TEST_CASE("softmax cross-entropy on the device", "[gpu][softmax]") {
  for (const std::size_t bins : {1, 2, 7, 33, 57, 58}) {
    for (const std::size_t neighbours : {0, 5}) {
      check({33, bins, neighbours}, false);
      check({2, bins, neighbours}, true);
      check({31, bins, neighbours, ClassWeighting::top_bin}, true);
    }
  }
  for (const std::size_t bins : {313, 529, 600}) {
    for (const std::size_t neighbours : {0, 5}) {
      check({7, bins, neighbours}, true);
      check({9, bins, neighbours, ClassWeighting::top_bin}, true);
    }
  }
  check({1, 50, 1}, false);
}

TEST_CASE("softmax cross-entropy reads and writes whole sectors", "[gpu][softmax]") {
  for (const SoftmaxShape& s :
       {SoftmaxShape{64, 313, 5}, SoftmaxShape{64, 529, 0}, SoftmaxShape{64, 50, 0}}) {
    const Problem p(s);
    const test::OnDevice logits(p.logits), index(p.index), target(p.target);
    test::OnDevice out(p.logits.shape());
    INFO(s.bins << " bins");
    test::check_sectors([&] {
      gpu::softmax_cross_entropy(s, logits.data(), s.neighbours ? index.data() : nullptr,
                                 target.data(), nullptr, out.data());
    });
  }
}

}  // namespace
}  // namespace tinct
