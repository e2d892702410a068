// Inputs, targets and answers of networks that predict JPEG chroma.
#include "train/chroma.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/colour.h"
#include "layers/stack.h"
#include "tests/check.h"
#include "train/lab_planes.h"
#include "train/objective.h"
#include "train/predict.h"

using namespace tinct;

namespace {

ModelInfo ycbcr(Grey grey = Grey::lightness) {
  ModelInfo info;
  info.preset = "test";
  info.space = ChromaSpace::ycbcr;
  info.grey = grey;
  return info;
}

Batch batch_of(const std::vector<std::uint8_t>& pixels) {
  Batch batch;
  batch.rgb = Tensor({1, 1, pixels.size() / 3, 3}, DType::u8);
  std::copy(pixels.begin(), pixels.end(), batch.rgb.u8());
  LabPlanes planes = lab_planes(batch.rgb);
  batch.lightness = planes.lightness;
  batch.ab = planes.ab;
  return batch;
}

Batch colours() {
  return batch_of({255, 0, 0, 0,   255, 0,   0,   0,   255, 255, 255, 0,   128, 128, 128,
                   0,   0, 0, 255, 255, 255, 224, 172, 105, 135, 206, 235, 34,  139, 34});
}

}  // namespace

TEST_CASE("the target of a YCbCr head is JPEG's chroma") {
  const Tensor t = chroma_target(ycbcr(), colours());
  CHECK(t.f32()[0] == Approx(0.33322).margin(1e-4));
  CHECK(t.f32()[1] == Approx(1.00196).margin(1e-4));
  CHECK(t.f32()[8] == Approx(0.50196).margin(1e-4));
  CHECK(t.f32()[14] == Approx(0.33618).margin(1e-4));
}

TEST_CASE("chroma and lightness together give back the colour") {
  const Batch batch = colours();
  const Tensor ab = chroma_to_ab(ycbcr(), batch.lightness, chroma_target(ycbcr(), batch));
  CHECK(test::difference(ab, batch.ab, 1e-2, 5e-2) == "");
}

TEST_CASE("with the grey for luma, as published, greys come back and colours shift") {
  const ModelInfo info = ycbcr(Grey::rgb_mean);
  const Batch grey = batch_of({0, 0, 0, 40, 40, 40, 128, 128, 128, 255, 255, 255});
  const Tensor neutral = chroma_to_ab(info, grey.lightness, chroma_target(info, grey));
  for (std::size_t i = 0; i < neutral.size(); ++i) CHECK(std::abs(neutral.f32()[i]) <= 5e-2f);
  const Batch blue = batch_of({0, 0, 255});
  const Tensor shifted = chroma_to_ab(info, blue.lightness, chroma_target(info, blue));
  CHECK(std::abs(shifted.f32()[1] - blue.ab.f32()[1]) > 5);
}

TEST_CASE("the grey that training shows: of equal lightness, or the mean of R, G and B") {
  const Batch batch = batch_of({255, 0, 0, 90, 90, 90});
  const Tensor own = training_input(ycbcr(), batch);
  CHECK(own.f32()[0] == Approx(53.24059 / 50 - 1).margin(1e-4));
  CHECK(luma_of(ycbcr(), batch).f32()[1] == Approx(90.0 / 255).margin(1e-5));
  const ModelInfo mean = ycbcr(Grey::rgb_mean);
  CHECK(luma_of(mean, batch).f32()[0] == Approx(1.0 / 3).margin(1e-6));
  const Batch third = batch_of({85, 85, 85});
  CHECK(training_input(mean, batch).f32()[0] ==
        Approx(third.lightness.f32()[0] / 50 - 1).margin(1e-5));
}

TEST_CASE("an answer that is not a number stays one") {
  const Batch batch = batch_of({10, 20, 30});
  const Tensor bad = Tensor::from({1, 1, 1, 2}, {NAN, 0.5f});
  CHECK(std::isnan(chroma_to_ab(ycbcr(), batch.lightness, bad).f32()[0]));
  CHECK_THROWS_AS(chroma_to_ab(ycbcr(), Tensor::zeros({1, 2, 2, 1}), bad), std::invalid_argument);
}

TEST_CASE("the loss that a YCbCr head gets, and what it can be told") {
  CHECK(Objective({}, ycbcr()).name() == "blurred");
  CHECK(Objective({}, ycbcr(Grey::rgb_mean)).name() == "dahl");
  CHECK(Objective({.name = "dahl"}, ycbcr()).name() == "dahl");
  ModelInfo lab;
  lab.preset = "lab";
  CHECK_THROWS_WITH(Objective({.name = "dahl"}, lab), Catch::Contains("Cb and Cr"));
  // The right answer costs nothing.
  const Batch batch = batch_of({10, 20, 30, 60, 50, 40, 99, 100, 98});
  const ModelInfo info = ycbcr();
  const Value answer(chroma_target(info, batch));
  for (const char* name : {"l1", "l2", "huber", "blurred"}) {
    CHECK(Objective({.name = name}, info)(answer, batch).data().f32()[0] == 0);
  }
  // Each member of a model is held to the target by itself: its mean loss, not the mean's loss.
  Tensor low = answer.data().clone(), high = low.clone();
  for (std::size_t i = 0; i < low.size(); ++i) low.f32()[i] -= 1, high.f32()[i] += 1;
  CHECK(Objective({.name = "l2"}, info)(stack({Value(low), Value(high)}), batch).data().f32()[0] ==
        Approx(1));
}
