// Batch normalisation: the SIMD version against the plain one, and its accuracy far from zero.
#include "kernels/batch_norm.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

struct Arrays {
  std::size_t rows, c;
  Tensor x, dy, mean, variance, gamma, beta;

  Arrays(std::size_t rows_, std::size_t c_)
      : rows(rows_),
        c(c_),
        x(test::random_tensor({1, 1, rows_, c_}, 1)),
        dy(test::random_tensor({1, 1, rows_, c_}, 2)),
        mean({1, 1, 1, c_}),
        variance({1, 1, 1, c_}),
        gamma(test::random_tensor({1, 1, 1, c_}, 3)),
        beta(test::random_tensor({1, 1, 1, c_}, 4)) {
    ref::batch_norm_statistics(rows, c, x.f32(), mean.f32(), variance.f32());
  }
  BatchNormChannels channels() const {
    return {mean.f32(), variance.f32(), gamma.f32(), beta.f32(), 1e-3f};
  }
};

template <class Backward>
std::vector<Tensor> backward(const Arrays& a, Activation activation, bool batch_statistics,
                             Backward run) {
  Tensor dx({1, 1, a.rows, a.c}), dgamma({1, 1, 1, a.c}), dbeta({1, 1, 1, a.c});
  run(a.rows, a.c, a.channels(), a.x.f32(), a.dy.f32(), activation, batch_statistics,
      BatchNormGradients{dx.f32(), dgamma.f32(), dbeta.f32()});
  return {dx, dgamma, dbeta};
}

TEST_CASE("batch norm of numbers a person can check", "[batch_norm]") {
  const float x[] = {1, 10, 3, 30};  // channels (1, 3) and (10, 30)
  float mean[2], variance[2], y[4];
  cpu::batch_norm_statistics(2, 2, x, mean, variance);
  CHECK(mean[0] == 2);
  CHECK(mean[1] == 20);
  CHECK(variance[0] == 1);
  CHECK(variance[1] == 100);
  const float gamma[] = {2, 1};
  const float beta[] = {5, 0};
  cpu::batch_norm(2, 2, {mean, variance, gamma, beta, 0}, x, Activation::relu, y);
  CHECK(y[0] == 3);
  CHECK(y[1] == 0);
  CHECK(y[2] == 7);
  CHECK(y[3] == 1);
}

TEST_CASE("batch norm agrees with the plain reference", "[batch_norm]") {
  for (const std::size_t rows : {1, 2, 7, 31, 32, 33, 2500}) {
    for (const std::size_t c : {1, 3, 5, 16, 31, 33, 64, 127, 129, 200}) {
      const Arrays a(rows, c);
      INFO("rows " << rows << ", channels " << c);
      Tensor mean({1, 1, 1, c}), variance({1, 1, 1, c});
      cpu::batch_norm_statistics(rows, c, a.x.f32(), mean.f32(), variance.f32());
      CHECK(test::difference(mean, a.mean, 0, 5e-7) == "");  // of values in [-1, 1)
      CHECK(test::difference(variance, a.variance, 1e-6, 1e-9) == "");
      for (const Activation kind : {Activation::none, Activation::relu, Activation::leaky_relu}) {
        Tensor y(a.x.shape()), expected(a.x.shape());
        cpu::batch_norm(rows, c, a.channels(), a.x.f32(), kind, y.f32());
        ref::batch_norm(rows, c, a.channels(), a.x.f32(), kind, expected.f32());
        CHECK(test::difference(y, expected, 1e-5, 1e-5) == "");
        for (const bool batch : {true, false}) {
          const auto ours = backward(a, kind, batch, cpu::batch_norm_backward);
          const auto plain = backward(a, kind, batch, ref::batch_norm_backward);
          // One value a channel has variance 0: the gradients nearly cancel at gamma / sqrt(eps).
          CHECK(test::difference(ours[0], plain[0], 1e-5, rows < 3 ? 1e-4 : 1e-5) == "");
          CHECK(test::difference(ours[1], plain[1], 1e-5, 1e-4) == "");
          CHECK(test::difference(ours[2], plain[2], 1e-5, 1e-4) == "");
        }
      }
    }
  }
}

TEST_CASE("variance does not cancel far from zero", "[batch_norm]") {
  constexpr std::size_t kRows = 100'000;
  const Arrays near(kRows, 3);
  Tensor far({1, 1, kRows, 3});
  // 1000 + x in steps that f32 represents exactly there.
  for (std::size_t i = 0; i < far.size(); ++i) {
    far.f32()[i] = 1000 + std::round(near.x.f32()[i] * 1024) / 1024;
  }
  Tensor mean({1, 1, 1, 3}), variance(mean.shape()), plain_mean(mean.shape()),
      plain_variance(mean.shape());
  cpu::batch_norm_statistics(kRows, 3, far.f32(), mean.f32(), variance.f32());
  ref::batch_norm_statistics(kRows, 3, far.f32(), plain_mean.f32(), plain_variance.f32());
  CHECK(test::difference(mean, plain_mean, 1e-7, 0) == "");
  CHECK(test::difference(variance, plain_variance, 1e-6, 0) == "");

  // The formula that does cancel is caught: E[x^2] - E[x]^2 with f32 sums.
  float sum = 0, squares = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    sum += far.f32()[3 * i];
    squares += far.f32()[3 * i] * far.f32()[3 * i];
  }
  Tensor naive = plain_variance.clone();
  naive.f32()[0] = squares / kRows - sum / kRows * (sum / kRows);
  CHECK(test::difference(naive, plain_variance, 1e-2, 0) != "");
}

TEST_CASE("batch norm shows NaN", "[batch_norm]") {
  Arrays a(40, 5);
  a.x.f32()[12] = std::nanf("");
  cpu::batch_norm_statistics(40, 5, a.x.f32(), a.mean.f32(), a.variance.f32());
  CHECK(std::isnan(a.mean.f32()[2]));
  CHECK(std::isnan(a.variance.f32()[2]));
  CHECK(!std::isnan(a.variance.f32()[1]));
  Tensor y(a.x.shape());
  cpu::batch_norm(40, 5, a.channels(), a.x.f32(), Activation::relu, y.f32());
  CHECK(std::isnan(y.f32()[2]));
}

TEST_CASE("batch norm gives the same bits for any thread count", "[batch_norm]") {
  for (const std::size_t c : {33, 64}) {
    Arrays a(70'001, c);
    CHECK(test::same_bits_for_any_threads([&] {
            Tensor both({1, 1, 2, c});
            cpu::batch_norm_statistics(a.rows, c, a.x.f32(), both.f32(), both.f32() + c);
            return both;
          }) == "");
    CHECK(test::same_bits_for_any_threads([&] {
            Tensor y(a.x.shape());
            cpu::batch_norm(a.rows, c, a.channels(), a.x.f32(), Activation::leaky_relu, y.f32());
            return y;
          }) == "");
    for (const std::size_t k : {0, 1, 2}) {
      CHECK(test::same_bits_for_any_threads([&] {
              return backward(a, Activation::relu, true, cpu::batch_norm_backward)[k];
            }) == "");
    }
  }
}

TEST_CASE("the comparison catches a gradient whose mean was not taken out", "[batch_norm]") {
  const Arrays a(33, 5);
  const auto training = backward(a, Activation::none, true, cpu::batch_norm_backward);
  const auto evaluation = backward(a, Activation::none, false, ref::batch_norm_backward);
  CHECK(test::difference(training[0], evaluation[0], 1e-5, 1e-5) != "");
}

}  // namespace
}  // namespace tinct
