// Dahl's networks: shapes, the folded grey input, weights files, and a training step's loss and
// every gradient against PyTorch (tests/golden/make_dahl.py made the numbers).
#include "models/dahl.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "layers/blurred_euclidean.h"
#include "layers/dahl_loss.h"
#include "layers/neutral_rgb.h"
#include "tests/check.h"
#include "tests/models/gradients.h"

using namespace tinct;
using test::random_tensor;

namespace {

DahlConfig narrow(const std::string& name) {
  DahlConfig config;
  config.preset = "dahl-" + name;
  config.backbone.width_divisor = 16;
  config.exact = name == "residual-exact";
  config.hypercolumn = name.starts_with("hypercolumn");
  if (name == "hypercolumn-1x1") config.kernel = 1;
  if (name == "hypercolumn-five") config.blocks = 5;
  return config;
}

const std::vector<std::string> kNames = {"residual-exact", "residual", "hypercolumn",
                                         "hypercolumn-1x1", "hypercolumn-five"};

}  // namespace

TEST_CASE("a training step of Dahl's networks agrees with PyTorch in float64 within 1e-3") {
  const std::string name = GENERATE("residual-exact", "residual", "hypercolumn", "hypercolumn-1x1");
  INFO(name);
  DahlConfig config = narrow(name);
  config.finetune = true;  // every gradient, the backbone's too
  const Model model = make_dahl(config, 1);
  if (const char* path = std::getenv("TINCT_WRITE_DAHL")) {
    save_model(std::string(path) + "-" + name + ".safetensors", model);
  }
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/dahl.safetensors");
  const Mode training{.training = true};
  const Value y = model.forward(Value(golden.load(name + ".x")), training, nullptr);
  CHECK(test::relative_error(y.data(), golden.load(name + ".y"), 1e-4) == "");
  const Value loss = config.exact ? dahl_loss(y, golden.load("luma"), golden.load("rgb"))
                                  : blurred_euclidean(y, golden.load("target"));
  CHECK(loss.data().f32()[0] == Approx(golden.load(name + ".loss").f32()[0]).epsilon(1e-4));
  loss.backward();
  test::check_gradients_against(golden, model, "chroma.norm.beta", 500, name + ".");
}

TEST_CASE("Dahl's networks predict JPEG chroma at full size, and freeze their backbone") {
  for (const std::string& name : kNames) {
    INFO(name);
    const DahlConfig config = narrow(name);
    const Model model = make_dahl(config, 1);
    CHECK(model.info.space == ChromaSpace::ycbcr);
    CHECK((model.info.grey == Grey::rgb_mean) == config.exact);
    CHECK(model.info.multiple == (config.blocks == 5 ? 16 : 8));
    const Value x(random_tensor({2, 16, 32, 1}, 1));
    Taps taps;
    const Value y = model.forward(x, {.training = true}, &taps);
    CHECK(y.shape() == Shape{2, 16, 32, 2});
    CHECK(taps.front().first == "conv1_2");
    CHECK(taps.back().first == "chroma");
    for (std::size_t i = 0; i < y.data().size(); ++i) {
      REQUIRE((y.data().f32()[i] > 0 && y.data().f32()[i] < 1));
    }
    blurred_euclidean(y, Tensor::full(y.shape(), 0.5f)).backward();
    for (const Parameter& p : model.parameters) {
      INFO(p.name);
      CHECK(p.value.has_grad() == (!p.buffer && !p.name.starts_with("vgg.")));
    }
  }
}

TEST_CASE("the published sizes: 501 575 convolution weights, and a hypercolumn of 963 channels") {
  ModelOptions undrawn;
  undrawn.backbone_init = InitScheme::zeros;
  const auto decoder = [&](const std::string& preset, const std::string& ending) {
    std::size_t count = 0;
    for (const Parameter& p : make_model(preset, 0, undrawn).parameters) {
      if (!p.buffer && !p.name.starts_with("vgg.") && p.name.ends_with(ending)) {
        count += p.value.data().size();
      }
    }
    return count;
  };
  CHECK(decoder("dahl-residual", ".weight") == 501575);
  const auto hypercolumn = make_model("dahl-hypercolumn", 0, undrawn).parameters;
  const auto first = [&] {
    for (const Parameter& p : hypercolumn) {
      if (p.name == "colour1.conv.weight") return p.value.shape();
    }
    return Shape{};
  }();
  CHECK(first == Shape{128, 3, 3, 963});
  CHECK(decoder("dahl-hypercolumn-five", ".weight") >
        decoder("dahl-hypercolumn", ".weight") + 128 * 9 * 511);
}

TEST_CASE("grey folded into the first convolution is exact, borders included") {
  for (const Preprocessing preprocessing : {Preprocessing::caffe_bgr, Preprocessing::torchvision}) {
    for (const bool batch_norm : {false, true}) {
      Vgg16 net = make_vgg16({batch_norm, preprocessing, 8}, 3);
      const Value rgb = neutral_rgb(Value(random_tensor({2, 19, 23, 1}, 4)));
      CHECK(net.of_grey(rgb, {}, 1)[0].requires_grad());  // in training the long way
      net.freeze();
      const VggTaps folded = net.of_grey(rgb, {}, 4);
      const VggTaps plain = net(rgb, {}, 4);
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(test::relative_error(folded[i].data(), plain[i].data(), 2e-6) == "");
      }
      // The border itself: the first convolution's outermost rows alone.
      const Tensor a = net.of_grey(rgb, {}, 1)[0].data();
      const Tensor b = net(rgb, {}, 1)[0].data();
      CHECK(test::difference(a, b, 1e-4, 2e-3) == "");
      CHECK_FALSE(folded[4].defined());
      CHECK_THROWS_AS(net.of_grey(rgb, {}, 6), std::invalid_argument);
    }
  }
}

TEST_CASE("a saved Dahl network is rebuilt; what cannot be is refused") {
  const std::string path = "/tmp/tinct-dahl-" + std::to_string(getpid()) + ".safetensors";
  for (const std::string& name : kNames) {
    DahlConfig config = narrow(name);
    config.backbone.preprocessing = Preprocessing::torchvision;
    const Model model = make_dahl(config, 1);
    save_model(path, model);
    const Model again = load_model(path);
    CHECK(again.info.preset == config.preset);
    CHECK(again.info.grey == model.info.grey);
    const NoGrad no_grad;
    const Value x(random_tensor({1, 16, 16, 1}, 1));
    CHECK(test::difference(again.forward(x, {}, nullptr).data(),
                           model.forward(x, {}, nullptr).data(), 0, 0) == "");
  }
  std::filesystem::remove(path);
  const auto refused = [](auto&& change) {
    DahlConfig config = narrow("residual");
    change(config);
    CHECK_THROWS_AS(make_dahl(config, 1), std::invalid_argument);
  };
  refused([](DahlConfig& c) { c.blocks = 5; });
  refused([](DahlConfig& c) { c.kernel = 1; });
  refused([](DahlConfig& c) { c.hypercolumn = true, c.blocks = 3; });
  refused([](DahlConfig& c) { c.hypercolumn = true, c.kernel = 5; });
}
