// Prediction at any size, for both heads.
#include "train/predict.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "models/unet.h"
#include "tests/check.h"
#include "train/chroma.h"

using namespace tinct;

namespace {

// A "network" whose answer is easy to know: ab/110 = (x, -x), or one-hot logits by the sign of x.
Model echo(Head head, std::size_t multiple) {
  Model m;
  m.info.preset = "echo";
  m.info.head = head;
  m.info.multiple = multiple;
  m.info.head_stride = head == Head::binned ? 4 : 1;
  m.info.bins = Tensor::from({1, 1, 2, 2}, {50, -20, -30, 40});
  m.forward = [=](const Value& x, const Mode&, Taps*) {
    const Shape s = x.shape();
    const std::size_t stride = head == Head::binned ? 4 : 1;
    CHECK(s.h % multiple == 0);
    CHECK(s.w % multiple == 0);
    Tensor y({s.n, s.h / stride, s.w / stride, 2});
    for (std::size_t i = 0; i < y.shape().pixels(); ++i) {
      const float v =
          x.data().f32()[i / (s.w / stride) * stride * s.w + i % (s.w / stride) * stride];
      y.f32()[2 * i] = head == Head::binned ? (v > 0 ? 50.0f : -50.0f) : v;
      y.f32()[2 * i + 1] = -y.f32()[2 * i];
    }
    return Value(y);
  };
  return m;
}

Tensor ramp(std::size_t h, std::size_t w) {
  Tensor l({1, h, w, 1});
  for (std::size_t i = 0; i < l.size(); ++i) l.f32()[i] = static_cast<float>(i % 101);
  return l;
}

}  // namespace

TEST_CASE("the network's input and output are scaled, padded and cropped") {
  for (const auto& [h, w] : {std::pair{1, 1}, {7, 5}, {16, 16}, {17, 33}}) {
    const Tensor l = ramp(static_cast<std::size_t>(h), static_cast<std::size_t>(w));
    const Tensor ab = predict_ab(echo(Head::regression, 16), l);
    REQUIRE(ab.shape() == Shape{1, l.shape().h, l.shape().w, 2});
    for (std::size_t i = 0; i < l.size(); ++i) {
      CHECK(ab.f32()[2 * i] == Approx((l.f32()[i] - 50) / 50 * 110).margin(1e-3));
    }
  }
}

TEST_CASE("the model's chroma gain multiplies what it predicts") {
  Model m = echo(Head::regression, 1);
  const Tensor l = ramp(3, 3);
  const Tensor plain = predict_ab(m, l);
  m.info.chroma_gain = 1.5f;
  const Tensor more = predict_ab(m, l);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(more.f32()[i] == Approx(1.5f * plain.f32()[i]).margin(1e-3));
  }
}

TEST_CASE("a lift adds the same chroma to every picture, and next to none to a grey one") {
  // Root mean square chroma: 10, 48 and 0.
  const Tensor ab = Tensor::from({3, 1, 2, 2}, {6, 8, -10, 0, 48, 0, 0, 48, 0, 0, 0, 0});
  const float weak = 1 + 6.0f / 12, strong = 1 + 6.0f / 50;
  CHECK(test::difference(lifted(ab, 6),
                         Tensor::from(ab.shape(), {weak * 6, weak * 8, weak * -10, 0, strong * 48,
                                                   0, 0, strong * 48, 0, 0, 0, 0}),
                         1e-6, 0) == "");
  CHECK_THROWS_AS(lifted(ab, -1), std::invalid_argument);

  Model m = echo(Head::regression, 1);
  const Tensor plain = predict_ab(m, ramp(3, 3));
  m.info.chroma_lift = 9;
  CHECK(test::difference(predict_ab(m, ramp(3, 3)), lifted(plain, 9), 0, 0) == "");
}

TEST_CASE("mirroring averages two predictions that agree for a symmetric network") {
  const Tensor l = ramp(9, 14);
  PredictOptions flip;
  flip.flip = true;
  const Tensor once = predict_ab(echo(Head::regression, 4), l);
  CHECK(test::difference(predict_ab(echo(Head::regression, 4), l, flip), once, 0, 1e-4) == "");
}

TEST_CASE("a binned head is decoded and brought to the input's size") {
  const Tensor ab = predict_ab(echo(Head::binned, 8), Tensor::full({1, 10, 12, 1}, 80));
  CHECK(test::difference(
            ab,
            [] {
              Tensor t({1, 10, 12, 2});
              for (std::size_t i = 0; i < 120; ++i) t.f32()[2 * i] = 50, t.f32()[2 * i + 1] = -20;
              return t;
            }(),
            0, 1e-3) == "");
}

TEST_CASE("an answer that is not finite is an error, never a picture") {
  Model m = echo(Head::regression, 1);
  m.forward = [](const Value& x, const Mode&, Taps*) {
    return Value(Tensor::full({1, x.shape().h, x.shape().w, 2}, NAN));
  };
  CHECK_THROWS_AS(predict_ab(m, ramp(4, 4)), NumericError);
  CHECK_THROWS_AS(predict_ab(m, Tensor::zeros({1, 4, 4, 3})), std::invalid_argument);
}
