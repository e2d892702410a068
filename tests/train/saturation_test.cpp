// --saturation auto: as colourful as the photographs that were learnt from, within reason.
#include "train/saturation.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/unet.h"
#include "tests/check.h"
#include "tests/train/data_check.h"
#include "train/colorize.h"
#include "train/lab_planes.h"
#include "train/metrics.h"
#include "train/validate.h"

using namespace tinct;
using namespace tinct::test;

namespace {

Tensor times(const Tensor& ab, float factor) {
  Tensor out = ab.clone();
  for (std::size_t i = 0; i < out.size(); ++i) out.f32()[i] *= factor;
  return out;
}

}  // namespace

TEST_CASE("saturation_for finds the factor that gives a colourfulness back") {
  const LabPlanes lab = lab_planes(to_tensor(hills(48, 64, 5)));
  const Tensor pale = times(lab.ab, 0.3f);  // in gamut at twice that
  const auto colourful = [&](const Tensor& ab) {
    const Image image = join_lab(lab.lightness, ab);
    return colourfulness(image.area(), image.pixels.data());
  };
  for (const float factor : {0.6f, 1.0f, 1.7f, 2.3f}) {
    INFO(factor);
    const double wanted = colourful(times(pale, factor));
    const float found = saturation_for(lab.lightness, pale, wanted);
    CHECK(found == Approx(factor).margin(0.02));
    CHECK(colourful(times(pale, found)) == Approx(wanted).epsilon(0.01));
  }
  CHECK(saturation_for(lab.lightness, pale, 1e-3) == kLeastSaturation);
  CHECK(saturation_for(lab.lightness, pale, 1e6) == kMostSaturation);
  CHECK(saturation_for(lab.lightness, Tensor::zeros(lab.ab.shape()), 30) == kMostSaturation);
  CHECK_THROWS_AS(saturation_for(lab.lightness, pale, 0), std::invalid_argument);
  CHECK_THROWS_AS(saturation_for(lab.lightness, pale, NAN), std::invalid_argument);
  CHECK_THROWS_AS(saturation_for(lab.ab, pale, 30), std::invalid_argument);
}

TEST_CASE("colorize makes a picture as colourful as it is told") {
  const Image image = hills(64, 96, 8);
  const Tensor truth = lab_planes(to_tensor(image)).ab;
  const PredictChroma half = [&](const Tensor& l) {
    REQUIRE(l.shape() == Shape{1, 64, 96, 1});
    return times(truth, 0.5f);
  };
  ColorizeOptions options;
  options.size = 64;
  const Image plain = colorize(image, half, options);
  const double wanted = 1.5 * colourfulness(plain.area(), plain.pixels.data());
  options.colourfulness = wanted;
  options.saturation = 9;  // is not what counts
  const Image out = colorize(image, half, options);
  CHECK(colourfulness(out.area(), out.pixels.data()) == Approx(wanted).epsilon(0.03));
}

TEST_CASE(
    "a data set's mean colourfulness is the mean of its pictures', and goes with the weights") {
  Folder folder;
  write_hills(folder / "data", 3, 1);
  const Dataset dataset(folder / "data");
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const Tensor rgb = dataset.read(i);
    sum += colourfulness(rgb.shape().pixels(), rgb.u8());
  }
  CHECK(mean_colourfulness(dataset, {0, 1, 2}) == Approx(sum / 3));
  CHECK(mean_colourfulness(dataset, {0, 1, 2}, 1) == mean_colourfulness(dataset, {0}));
  CHECK(mean_colourfulness(dataset, {}) == 0);

  Model model = make_model("unet-small", 1);
  save_model(folder / "without.safetensors", model);
  CHECK(load_model(folder / "without.safetensors").info.train_colourfulness == 0);
  model.info.train_colourfulness = 41.5f;
  save_model(folder / "with.safetensors", model);
  CHECK(load_model(folder / "with.safetensors").info.train_colourfulness == 41.5f);
  save_model(folder / "bad.safetensors", model, {{"train_colourfulness", "nan"}});
  CHECK_THROWS_WITH(load_model(folder / "bad.safetensors"), Catch::Contains("0..1000"));
}
