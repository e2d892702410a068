// Entropy maps, and colour that fades with them.
#include "train/uncertainty.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/threads.h"
#include "tests/check.h"
#include "train/predict.h"

using namespace tinct;

namespace {

// Bins of two colours; the logits are (x, 0) times 10, one a pixel.
Model two_colours() {
  Model m;
  m.info.preset = "two";
  m.info.head = Head::binned;
  m.info.temperature = 0.05f;
  m.info.bins = Tensor::from({1, 1, 2, 2}, {60, -20, -30, 40});
  m.forward = [](const Value& x, const Mode&, Taps*) {
    const Shape s = x.shape();
    Tensor y({s.n, s.h, s.w, 2});
    for (std::size_t i = 0; i < x.data().size(); ++i) {
      y.f32()[2 * i] = 10 * x.data().f32()[i];
      y.f32()[2 * i + 1] = 0;
    }
    return Value(y);
  };
  return m;
}

}  // namespace

TEST_CASE("entropy is 0 of one colour, 1 of all alike, and what its formula says between") {
  const float low = -1e30f;
  const Tensor logits = Tensor::from({1, 2, 3, 4}, {5,  5,  5,   5,    // all alike
                                                    90, 0,  0,   0,    // one
                                                    3,  3,  low, low,  // two of four: 1/2
                                                    0,  0,  0,   low,  // three: log 3 / log 4
                                                    -1, -1, -1,  -1,   //
                                                    0,  1,  2,   3});
  const Tensor entropy = normalised_entropy(logits);
  REQUIRE(entropy.shape() == Shape{1, 2, 3, 1});
  double sum = 0, expected = 0;
  for (int i = 0; i < 4; ++i) sum += std::exp(i);
  for (int i = 0; i < 4; ++i) expected -= std::exp(i) / sum * (i - std::log(sum)) / std::log(4);
  const double answers[] = {1, 0, 0.5, std::log(3) / std::log(4), 1, expected};
  for (int i = 0; i < 6; ++i) {
    INFO(i);
    CHECK(std::abs(entropy.f32()[i] - answers[i]) <= 1e-6);
  }
  CHECK_THROWS_AS(normalised_entropy(Tensor::zeros({1, 2, 2, 1})), std::invalid_argument);
}

TEST_CASE("entropy is the same bits for any thread count, and lies in 0..1") {
  const Tensor logits = test::random_tensor({1, 37, 41, 313}, 1);
  const int before = threads();
  set_threads(1);
  const Tensor one = normalised_entropy(logits);
  set_threads(3);
  CHECK(test::difference(normalised_entropy(logits), one, 0, 0) == "");
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) REQUIRE((one.f32()[i] > 0 && one.f32()[i] < 1));
}

TEST_CASE("colour that is sure stays, and fades smoothly and steadily after that") {
  CHECK(fade(0) == 1);
  CHECK(fade(kSure) == 1);
  CHECK(fade(1) == 0);
  CHECK(fade(1.001f) == 0);
  CHECK(fade((kSure + 1) / 2) == Approx(0.5));
  CHECK(std::isnan(fade(NAN)));
  float steepest = 0;
  for (int i = 1; i <= 1000; ++i) {
    const float step = fade(static_cast<float>(i - 1) / 1000) - fade(static_cast<float>(i) / 1000);
    REQUIRE(step >= 0);
    steepest = std::max(steepest, step);
  }
  CHECK(steepest <= 1.51f / (1 - kSure) / 1000);

  const Tensor ab = Tensor::from({1, 1, 2, 2}, {40, -20, 40, -20});
  const Tensor out = faded(ab, Tensor::from({1, 1, 2, 1}, {0.1f, 1}));
  CHECK(test::difference(out, Tensor::from({1, 1, 2, 2}, {40, -20, 0, 0}), 1e-6, 0) == "");
  CHECK_THROWS_AS(faded(ab, Tensor::zeros({1, 2, 1, 1})), std::invalid_argument);
}

TEST_CASE("a prediction says how unsure it is, and is faded there unless told otherwise") {
  // Lightness 50 leaves both colours alike, 100 decides for the first.
  const Tensor l = Tensor::from({1, 1, 2, 1}, {50, 100});
  const Prediction plain = predict(two_colours(), l, {.fade = false});
  const Prediction by_default = predict(two_colours(), l);
  REQUIRE(plain.uncertainty.shape() == Shape{1, 1, 2, 1});
  CHECK(plain.uncertainty.f32()[0] == Approx(1));
  CHECK(plain.uncertainty.f32()[1] < 0.01f);
  CHECK(test::difference(plain.ab, Tensor::from({1, 1, 2, 2}, {15, 10, 60, -20}), 1e-4, 0) == "");
  CHECK(test::difference(by_default.ab, Tensor::from({1, 1, 2, 2}, {0, 0, 60, -20}), 1e-4, 0) ==
        "");
  CHECK(test::difference(predict_ab(two_colours(), l), by_default.ab, 0, 0) == "");
  // Mirrored, the picture is as uncertain as it was.
  const Prediction flipped = predict(two_colours(), l, {.flip = true});
  CHECK(test::difference(flipped.uncertainty, plain.uncertainty, 1e-6, 1e-6) == "");
  Model regression = two_colours();
  regression.info.head = Head::regression;
  CHECK(!predict(regression, l).uncertainty.defined());
}

TEST_CASE("a model that shows its distributions as taps is as unsure as their mean") {
  Model merged = two_colours();
  merged.info.head = Head::regression;
  merged.info.logits = {"sure", "unsure"};
  merged.forward = [](const Value& x, const Mode&, Taps* taps) {
    REQUIRE(taps != nullptr);
    const Shape s = x.shape();
    taps->emplace_back("other", Tensor::full({s.n, s.h, s.w, 2}, NAN));
    taps->emplace_back("sure", Tensor::from({1, 1, 1, 2}, {100, -100}));
    taps->emplace_back("unsure", Tensor::zeros({1, 1, 1, 2}));
    return Value(Tensor::full({s.n, s.h, s.w, 2}, 0.5f));
  };
  const Prediction p = predict(merged, Tensor::full({1, 2, 3, 1}, 40));
  CHECK(test::difference(p.uncertainty, Tensor::full({1, 2, 3, 1}, 0.5f), 1e-6, 0) == "");
  CHECK(test::difference(p.ab, Tensor::full({1, 2, 3, 2}, 0.5f * kChromaScale), 1e-6, 0) == "");
}

TEST_CASE("an uncertainty map is grey, of the picture's size, black where the model is sure") {
  const Image map = uncertainty_map(Tensor::from({1, 1, 2, 1}, {0, 1}), 3, 40);
  CHECK(map.height == 3);
  CHECK(map.width == 40);
  CHECK(map.channels == 1);
  CHECK(map.bits == 8);
  CHECK(map.pixels.front() == 0);
  CHECK(map.pixels.back() == 255);
  for (std::size_t i = 1; i < 40; ++i) REQUIRE(map.pixels[i] >= map.pixels[i - 1]);
  CHECK(uncertainty_map(Tensor::full({1, 2, 2, 1}, 0.5f), 2, 2).pixels[0] == 128);
  CHECK_THROWS_AS(uncertainty_map(Tensor::zeros({2, 1, 1, 1}), 1, 1), std::invalid_argument);
}
