// Dahl's loss: what it is of a pixel and of equal pictures, its gradient, refusals.
#include <catch2/catch.hpp>

#include "layers/dahl_loss.h"
#include "tests/check.h"

namespace tinct {
namespace {

Tensor between(Shape shape, std::uint64_t seed, float low, float high) {
  Tensor t = test::random_tensor(shape, seed);
  for (std::size_t i = 0; i < t.size(); ++i) {
    t.f32()[i] = low + (high - low) * (t.f32()[i] + 1) / 2;
  }
  return t;
}

TEST_CASE("Dahl's loss of one pixel, by hand", "[dahl_loss]") {
  // A grey of 1/10 whose Cb lies 1/20 above neutral: blue rises by 1.772/20, green falls by
  // .34414/20. Alone in the picture a pixel is blurred by the kernels' middle, 1: three equal
  // terms.
  const float neutral = 128.0f / 255;
  const Tensor rgb = Tensor::full({1, 1, 1, 3}, 0.1f);
  const Value chroma(Tensor::from({1, 1, 1, 2}, {neutral + 0.05f, neutral}), true);
  const Value loss = dahl_loss(chroma, Tensor::full({1, 1, 1, 1}, 0.1f), rgb);
  CHECK(loss.data().f32()[0] == Approx(0.05 / 2).epsilon(1e-4));
  loss.backward();
  CHECK(chroma.grad().f32()[0] == Approx(0.5).epsilon(1e-3));
}

TEST_CASE("Dahl's loss: the blur that is not normalised weighs more, until it is clipped",
          "[dahl_loss]") {
  // Away from the border an even colour's distance from grey is multiplied by the kernels' sums.
  // Beyond 1 nothing is left of it but the sharp term.
  const float neutral = 128.0f / 255;
  const auto middle = [&](float cb) {
    Tensor uv({1, 9, 9, 2});
    for (std::size_t i = 0; i < uv.size(); ++i) uv.f32()[i] = neutral + (i % 2 == 0 ? cb : 0);
    const Value chroma(uv, true);
    dahl_loss(chroma, Tensor::full({1, 9, 9, 1}, 0.3f), Tensor::full({1, 9, 9, 3}, 0.3f))
        .backward();
    return chroma.grad().f32()[2 * (4 * 9 + 4)] * 3 * 162;
  };
  CHECK(middle(0.03f) == Approx(1 + 6.099588 + 9.320803).epsilon(1e-3));
  CHECK(middle(0.06f) == Approx(1 + 6.099588).epsilon(1e-3));
  CHECK(middle(0.15f) == Approx(1).epsilon(1e-3));
}

TEST_CASE("Dahl's loss: gradient by differences; nought for equal pictures", "[dahl_loss]") {
  // Green against blue and red, none of it clipped: no difference passes through nought.
  const Shape s{2, 5, 6, 1};
  const Tensor luma = between(s, 1, 0.1f, 0.2f);
  Tensor rgb = between({2, 5, 6, 3}, 2, 0.02f, 0.03f);
  for (std::size_t i = 1; i < rgb.size(); i += 3) rgb.f32()[i] += 0.06f;
  const auto f = [&](const std::vector<Value>& in) { return dahl_loss(in[0], luma, rgb); };
  CHECK(test::check_gradients(f, {between({2, 5, 6, 2}, 3, 0.515f, 0.525f)}, 1e-3) == "");
  const float neutral = 128.0f / 255;
  Tensor grey(rgb.shape());
  for (std::size_t i = 0; i < grey.size(); ++i) grey.f32()[i] = luma.f32()[i / 3];
  const Value even(Tensor::full({2, 5, 6, 2}, neutral));
  CHECK(dahl_loss(even, luma, grey).data().f32()[0] <= 1e-6f);
}

TEST_CASE("Dahl's loss refuses shapes that do not fit", "[dahl_loss]") {
  const auto refused = [](Shape chroma, Shape luma, Shape rgb) {
    CHECK_THROWS_AS(
        dahl_loss(Value(Tensor::zeros(chroma)), Tensor::zeros(luma), Tensor::zeros(rgb)),
        std::invalid_argument);
  };
  refused({1, 4, 4, 3}, {1, 4, 4, 1}, {1, 4, 4, 3});
  refused({1, 4, 4, 2}, {1, 4, 4, 3}, {1, 4, 4, 3});
  refused({1, 4, 4, 2}, {1, 4, 4, 1}, {1, 4, 2, 3});
}

}  // namespace
}  // namespace tinct
