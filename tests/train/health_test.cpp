// Health checks: each complaint on a planted fault, silence when all is well.
#include "train/health.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "layers/loss.h"
#include "models/unet.h"
#include "tests/check.h"
#include "train/plot.h"

namespace tinct {
namespace {

using test::random_tensor;

Model tiny() {
  return make_unet({.preset = "tiny", .widths = {4, 6, 8}, .bins = {}}, 3);
}

Tensor times(const Tensor& t, float factor, float offset = 0) {
  Tensor out = t.clone();
  for (std::size_t i = 0; i < out.size(); ++i) out.f32()[i] = out.f32()[i] * factor + offset;
  return out;
}

// The complaint when the named parameter holds one NaN.
std::string poisoned(const std::string& name, const Mode& mode = {true, 0, 0}) {
  Model model = tiny();
  bool found = false;
  for (Parameter& p : model.parameters) {
    if (p.name != name) continue;
    p.value.mutable_data().f32()[0] = std::numeric_limits<float>::quiet_NaN();
    found = true;
  }
  REQUIRE(found);
  return find_nonfinite(model, Value(random_tensor({2, 16, 16, 1}, 1)), mode);
}

}  // namespace

TEST_CASE("health: grey and single-coloured output are noticed, coloured output is not") {
  const Tensor truth = times(random_tensor({2, 8, 8, 2}, 1), 40, 5);
  CHECK(check_output(times(truth, 0.5f), truth) == "");
  CHECK_THAT(check_output(times(truth, 0.05f), truth), Catch::StartsWith("grey collapse"));
  CHECK_THAT(check_output(times(truth, 0.01f, 20), truth), Catch::StartsWith("one colour"));
  CHECK_THAT(check_output(times(truth, std::nanf("")), truth), Catch::StartsWith("grey collapse"));
  CHECK(check_output(times(truth, 0), times(truth, 0.01f)) == "");  // a grey truth
}

TEST_CASE("health: chroma statistics that a person can check") {
  const ChromaStatistics s = chroma_statistics(Tensor::from({1, 1, 2, 2}, {3, 4, -3, -4}));
  CHECK(s.mean_chroma == Approx(5));
  CHECK(s.spread == Approx(5));
}

TEST_CASE("health: dead channels are named once until they come back") {
  Tensor t = Tensor::full({1, 2, 2, 3}, 1);
  for (std::size_t i = 0; i < t.size(); i += 3) t.f32()[i] = t.f32()[i + 2] = 0;
  const auto complaints = check_activations({{"fine", Tensor::full({1, 1, 1, 2}, 1)}, {"conv", t}});
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0] == "conv: 2 of 3 channels are dead (zero everywhere)");
  HealthMonitor monitor;
  CHECK(monitor.news(complaints).size() == 1);
  CHECK(monitor.news({"conv: 3 of 3 channels are dead (zero everywhere)"}).empty());
  CHECK(monitor.news({}).empty());
  CHECK(monitor.news(complaints).size() == 1);
}

TEST_CASE("health: a NaN is traced to the layer that makes it") {
  CHECK(find_nonfinite(tiny(), Value(random_tensor({2, 16, 16, 1}, 1)), {true, 0, 0}) == "");
  for (const char* stage : {"encoder1", "encoder3", "decoder2", "decoder1"}) {
    const std::string name = std::string(stage) + ".2.conv.weight";
    CHECK(poisoned(name) == "the first activation that is not finite is that of layer " +
                                std::string(stage) + "; weights that are not finite: " + name);
  }
  CHECK_THAT(poisoned("head.bias"), Catch::Contains("layer head;"));
  CHECK_THAT(poisoned("context.squeeze.weight"), Catch::Contains("layer context;"));
}

TEST_CASE("health: a gradient that is not finite is named when activations are fine") {
  Model model = tiny();
  const Value x(random_tensor({2, 16, 16, 1}, 1));
  Value loss = l2_loss(model.forward(x, {true, 0, 0}, nullptr), Tensor::zeros({2, 16, 16, 2}));
  loss.backward();
  for (Parameter& p : model.parameters) {
    if (p.name == "encoder2.1.conv.weight" || p.name == "decoder2.1.conv.weight") {
      p.value.mutable_grad().f32()[3] = std::numeric_limits<float>::infinity();
    }
  }
  CHECK_THAT(find_nonfinite(model, x, {true, 0, 0}),
             Catch::EndsWith("gradient that is not is that of decoder2.1.conv.weight"));
}

TEST_CASE("plot: curves are drawn, what is not finite is skipped") {
  const auto blue = [](const Image& image) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < image.area(); ++i) {
      count += image.pixels[3 * i] == 23 && image.pixels[3 * i + 1] == 98;
    }
    return count;
  };
  Curve curve;
  for (long i = 0; i < 100; ++i) curve.points.emplace_back(i, 1.0 / static_cast<double>(i + 1));
  const Image image = plot({{"loss", curve}, {"empty", {}}});
  CHECK(image.width == 900);
  CHECK(image.height == 720);
  CHECK(blue(image) > 800);
  curve.points.emplace_back(100, std::nan(""));
  CHECK(plot({{"loss", curve}, {"empty", {}}}).pixels == image.pixels);
  curve.points = {{5, 1.0}};
  curve.smooth = true;
  CHECK(blue(plot({{"one point", curve}})) > 0);
  CHECK(blue(plot({})) == 0);
}

}  // namespace tinct
