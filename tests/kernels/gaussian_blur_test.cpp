// Gaussian blur: Dahl's kernels, borders, self-adjointness, the SIMD version against the plain one.
#include <catch2/catch.hpp>
#include <numeric>

#include "kernels/blurred_euclidean.h"
#include "kernels/gaussian_blur.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::random_tensor;

constexpr Border kBorders[] = {Border::zero, Border::symmetric};

Tensor blurred(const Tensor& x, const std::vector<float>& taps, Border border) {
  Tensor y(x.shape());
  cpu::gaussian_blur(x.shape(), taps, border, x.f32(), y.f32());
  return y;
}

double sum(const Tensor& t) {
  return std::accumulate(t.f32(), t.f32() + t.size(), 0.0);
}

TEST_CASE("Dahl's kernels, as published and normalised", "[gaussian_blur]") {
  Tensor dot = Tensor::zeros({1, 7, 7, 1});
  dot.f32()[24] = 1;
  const Tensor three = blurred(dot, gaussian_taps(3, kDahlSigma, false), Border::zero);
  CHECK(sum(three) == Approx(6.099588).epsilon(1e-6));
  CHECK(three.f32()[24] == Approx(1));
  CHECK(three.f32()[25] == Approx(.734867).epsilon(1e-6));
  CHECK(three.f32()[32] == Approx(.540030).epsilon(1e-6));
  const Tensor five = blurred(dot, gaussian_taps(5, kDahlSigma, false), Border::zero);
  CHECK(sum(five) == Approx(9.320803).epsilon(1e-6));
  CHECK(five.f32()[26] == Approx(.291632).epsilon(2e-6));
  CHECK(five.f32()[33] == Approx(.214311).epsilon(3e-6));
  CHECK(five.f32()[40] == Approx(.085049).epsilon(6e-6));
  const auto normalised3 = gaussian_taps(3, kDahlSigma);
  CHECK(normalised3[0] == Approx(.297549).epsilon(2e-6));
  CHECK(normalised3[1] == Approx(.404902).epsilon(2e-6));
  const auto normalised5 = gaussian_taps(5, kDahlSigma);
  CHECK(normalised5[0] == Approx(.095523).epsilon(6e-6));
  CHECK(normalised5[1] == Approx(.240703).epsilon(3e-6));
  CHECK(normalised5[2] == Approx(.327547).epsilon(2e-6));
}

TEST_CASE("symmetric borders repeat the edge pixel and keep a constant", "[gaussian_blur]") {
  CHECK(symmetric_index(-1, 3) == 0);
  CHECK(symmetric_index(-2, 3) == 1);
  CHECK(symmetric_index(3, 3) == 2);
  CHECK(symmetric_index(-7, 3) == 0);
  CHECK(symmetric_index(5, 1) == 0);
  const Tensor x = Tensor::full({1, 4, 2, 3}, 2);
  const Tensor y = blurred(x, gaussian_taps(9, 2), Border::symmetric);
  CHECK(test::difference(y, x, 1e-6, 0) == "");
  CHECK_THROWS_AS(gaussian_taps(4, 1), std::invalid_argument);
  CHECK_THROWS_AS(gaussian_taps(3, 0), std::invalid_argument);
}

TEST_CASE("blur agrees with the plain reference and is its own adjoint", "[gaussian_blur]") {
  for (const Border border : kBorders) {
    for (const std::size_t size : {1, 2, 7, 31, 32, 33}) {
      for (const std::size_t c : {1, 3, 17}) {
        for (const std::size_t count : {1, 3, 5, 9}) {
          const Shape s{2, size, size / 3 + 1, c};
          INFO(to_string(s) << ", " << count << " taps");
          const auto taps = gaussian_taps(count, 1.3);
          const Tensor x = random_tensor(s, 1);
          const Tensor z = random_tensor(s, 2);
          const Tensor y = blurred(x, taps, border);
          Tensor expected(s);
          ref::gaussian_blur(s, taps, border, x.f32(), expected.f32());
          REQUIRE(test::difference(y, expected, 1e-6, 1e-6) == "");
          const Tensor back = blurred(z, taps, border);
          double forward = 0, backward = 0;
          for (std::size_t i = 0; i < s.size(); ++i) {
            forward += double{y.f32()[i]} * z.f32()[i];
            backward += double{x.f32()[i]} * back.f32()[i];
          }
          REQUIRE(std::abs(forward - backward) < 1e-6 * double(s.size()));
        }
      }
    }
  }
}

TEST_CASE("a blur with the wrong border is found", "[gaussian_blur]") {
  const Tensor x = random_tensor({1, 8, 8, 2}, 1);
  const auto taps = gaussian_taps(5, 1);
  CHECK(test::difference(blurred(x, taps, Border::zero), blurred(x, taps, Border::symmetric), 1e-6,
                         1e-6) != "");
}

TEST_CASE("blur gives the same bits for any thread count", "[gaussian_blur]") {
  const Tensor x = random_tensor({3, 21, 17, 3}, 1);
  CHECK(test::same_bits_for_any_threads(
            [&] { return blurred(x, gaussian_taps(5, 1), Border::symmetric); }) == "");
}

}  // namespace
}  // namespace tinct
