// The VGG16 U-Net: shapes, freezing, determinism, weights files, and every gradient against PyTorch
// (tests/golden/make_vgg_unet.py made the numbers).
#include "models/vgg_unet.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "kernels/colour.h"
#include "layers/add.h"
#include "layers/bilinear_upsample.h"
#include "layers/loss.h"
#include "layers/neutral_rgb.h"
#include "layers/scale.h"
#include "tests/check.h"
#include "tests/models/gradients.h"
#include "tests/same_bits.h"

using namespace tinct;
using test::random_tensor;
using test::same_bits;

namespace {

VggUnetConfig narrow() {
  VggUnetConfig config;
  config.preset = "vgg-unet";
  config.backbone.width_divisor = 16;
  config.widths = {3, 4, 5, 6, 16};
  return config;
}

VggUnetConfig narrow_binned() {
  VggUnetConfig config = narrow();
  config.preset = "vgg-unet-bins";
  config.head = Head::binned;
  config.bins = Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 20});
  return config;
}

std::size_t learnable(const Model& model) {
  std::size_t count = 0;
  for (const Parameter& p : model.parameters) count += p.value.requires_grad();
  return count;
}

Value squared_error(const Model& model, const Tensor& x, const Mode& mode) {
  const Value y = model.forward(Value(x), mode, nullptr);
  return l2_loss(y, random_tensor(y.shape(), 2));
}

}  // namespace

TEST_CASE("neutral_rgb gives back the grey levels whose lightness it is told") {
  Tensor levels({1, 1, 256, 1}, DType::u8), l({1, 1, 256, 1});
  for (int i = 0; i < 256; ++i) levels.u8()[i] = static_cast<std::uint8_t>(i);
  cpu::lightness(256, 1, levels.u8(), l.f32());
  for (std::size_t i = 0; i < 256; ++i) l.f32()[i] = (l.f32()[i] - 50) / 50;
  const Tensor rgb = neutral_rgb(Value(l)).data();
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(rgb.f32()[3 * i + c] - static_cast<float>(i) / 255) <= 2e-6f);
      CHECK(rgb.f32()[3 * i + c] == rgb.f32()[3 * i]);
    }
  }
  CHECK_THROWS_AS(neutral_rgb(Value(Tensor::zeros({1, 2, 2, 3}))), std::invalid_argument);
}

TEST_CASE("space_to_depth turns each block of pixels into channels") {
  const Value x(Tensor::from({1, 2, 4, 1}, {0, 1, 2, 3, 4, 5, 6, 7}));
  const Tensor y = space_to_depth(x, 2).data();
  CHECK(test::difference(y, Tensor::from({1, 1, 2, 4}, {0, 1, 4, 5, 2, 3, 6, 7}), 0, 0) == "");
  CHECK_THROWS_AS(space_to_depth(x, 4), std::invalid_argument);
}

TEST_CASE("vgg-unet predicts at full size, vgg-unet-bins at the stride of its head") {
  const NoGrad no_grad;
  const Value x(random_tensor({2, 16, 32, 1}, 1));
  CHECK(make_vgg_unet(narrow(), 1).forward(x, {}, nullptr).shape() == Shape{2, 16, 32, 2});
  for (const std::size_t stride : {1, 2, 4}) {
    for (const std::size_t blocks : {4, 5}) {
      VggUnetConfig config = narrow_binned();
      config.stride = stride;
      config.blocks = blocks;
      const Model model = make_vgg_unet(config, 1);
      Taps taps;
      CHECK(model.forward(x, {}, &taps).shape() == Shape{2, 16 / stride, 32 / stride, 3});
      CHECK(model.info.head_stride == stride);
      CHECK(model.info.multiple == std::size_t{1} << (blocks - 1));
      CHECK(taps.front().first == "conv1_2");
      CHECK(taps.back().first == "head");
    }
  }
}

TEST_CASE("what a vgg-unet cannot be is refused by name") {
  const auto refused = [](auto&& change) -> std::string {
    VggUnetConfig config = narrow_binned();
    change(config);
    try {
      make_vgg_unet(config, 1);
      return "";
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
  };
  CHECK(refused([](VggUnetConfig&) {}) == "");
  CHECK_THAT(refused([](VggUnetConfig& c) { c.blocks = 3; }), Catch::Contains("blocks"));
  CHECK_THAT(refused([](VggUnetConfig& c) { c.stride = 3; }), Catch::Contains("stride"));
  CHECK_THAT(refused([](VggUnetConfig& c) { c.dropout = 1; }), Catch::Contains("dropout"));
  CHECK_THAT(refused([](VggUnetConfig& c) { c.members = 0; }), Catch::Contains("members"));
  CHECK_THAT(refused([](VggUnetConfig& c) { c.widths[3] = 0; }), Catch::Contains("conv4_3"));
  CHECK_THAT(refused([](VggUnetConfig& c) { c.bins = {}; }), Catch::Contains("bins"));
  CHECK_THAT(refused([](VggUnetConfig& c) {
               c.bins = Tensor::zeros({2, 1, 2, 2});
             }),
             Catch::Contains("bins"));
  CHECK(refused([](VggUnetConfig& c) { c.widths[0] = c.widths[1] = 0; }) == "");
}

TEST_CASE("a frozen backbone keeps its weights out of the gradient, a fine-tuned one does not") {
  const Tensor x = random_tensor({2, 16, 16, 1}, 1);
  VggUnetConfig config = narrow();
  const Model frozen = make_vgg_unet(config, 1);
  config.finetune = true;
  const Model tuned = make_vgg_unet(config, 1);
  CHECK(learnable(tuned) == learnable(frozen) + 2 * kVggConvolutions);
  const Mode training{.training = true, .seed = 1};
  for (const Model* model : {&frozen, &tuned}) {
    squared_error(*model, x, training).backward();
    for (const Parameter& p : model->parameters) {
      INFO(p.name);
      CHECK(p.value.has_grad() == (!p.buffer && (model == &tuned || !p.name.starts_with("vgg."))));
    }
  }
  // Nor does freezing change what the decoder learns.
  for (std::size_t i = 0; i < frozen.parameters.size(); ++i) {
    const Parameter& p = frozen.parameters[i];
    if (!p.value.has_grad()) continue;
    INFO(p.name);
    CHECK(test::difference(p.value.grad(), tuned.parameters[i].value.grad(), 1e-6, 1e-5) == "");
  }
}

TEST_CASE("members answer one after another in training, and with their mean afterwards") {
  VggUnetConfig config = narrow();
  config.members = 3;
  const Model model = make_vgg_unet(config, 1);
  const Value x(random_tensor({2, 16, 16, 1}, 1));
  Value trained = model.forward(x, {.training = true}, nullptr);
  REQUIRE(trained.shape() == Shape{6, 16, 16, 2});
  trained.backward(random_tensor(trained.shape(), 2));
  CHECK(learnable(model) == 3 * learnable(make_vgg_unet(narrow(), 1)));
  for (const Parameter& p : model.parameters) {
    INFO(p.name);
    CHECK(p.value.has_grad() == p.value.requires_grad());
  }

  const NoGrad no_grad;
  Taps taps;
  const Tensor mean = model.forward(x, {}, &taps).data();
  REQUIRE(mean.shape() == Shape{2, 16, 16, 2});
  std::vector<Value> heads;
  for (const auto& [name, head] : taps) {
    if (name.ends_with(".head")) heads.push_back(bilinear_upsample(Value(head), 16, 16));
  }
  REQUIRE(heads.size() == 3);
  CHECK(!same_bits(heads[0].data(), heads[1].data()));
  const Value sum = add(add(heads[0], heads[1]), heads[2]);
  CHECK(test::difference(mean, scale(sum, 1.0f / 3).data(), 1e-5, 1e-6) == "");
}

TEST_CASE("dropout of the taps follows the step, and is off outside training") {
  const Model model = make_vgg_unet(narrow(), 1);
  const NoGrad no_grad;
  const Value x(random_tensor({1, 16, 16, 1}, 1));
  const auto answer = [&](const Mode& mode) { return model.forward(x, mode, nullptr).data(); };
  CHECK(same_bits(answer({true, 1, 7}), answer({true, 1, 7})));
  CHECK(!same_bits(answer({true, 1, 7}), answer({true, 1, 8})));
  CHECK(same_bits(answer({false, 1, 7}), answer({false, 2, 8})));
}

TEST_CASE("a training step of vgg-unet is the same bits for any thread count") {
  VggUnetConfig config = narrow();
  config.finetune = true;
  CHECK(test::same_bits_for_any_threads([&] {
          const Model model = make_vgg_unet(config, 3);
          squared_error(model, random_tensor({2, 16, 16, 1}, 1), {.training = true}).backward();
          return test::all_gradients(model);
        }) == "");
}

TEST_CASE("vgg-unet's loss and gradients agree with PyTorch in float64 within 1e-3") {
  VggUnetConfig config = narrow();
  config.finetune = true;
  config.dropout = 0;
  const Model model = make_vgg_unet(config, 1);
  if (const char* path = std::getenv("TINCT_WRITE_VGG_UNET")) save_model(path, model);
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/vgg_unet.safetensors");
  const Mode training{.training = true};
  const Value y = model.forward(Value(golden.load("x")), training, nullptr);
  CHECK(test::relative_error(y.data(), golden.load("y"), 1e-4) == "");
  const Value loss = l2_loss(y, golden.load("target"));
  CHECK(loss.data().f32()[0] == Approx(golden.load("loss").f32()[0]).epsilon(1e-4));
  loss.backward();
  test::check_gradients_against(golden, model, "decoder4.norm.beta", 1000);
}

TEST_CASE("a saved vgg-unet is rebuilt from its metadata, its bins and its settings") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("tinct-vgg-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string path = (folder / "m.safetensors").string();
  VggUnetConfig config = narrow_binned();
  config.blocks = 4;
  config.stride = 2;
  config.members = 2;
  config.backbone.preprocessing = Preprocessing::torchvision;
  Model model = make_vgg_unet(config, 1);
  model.info.temperature = 0.5f;
  save_model(path, model);
  const Model again = load_model(path);
  CHECK(again.info.temperature == 0.5f);
  CHECK(test::difference(again.info.bins, config.bins, 0, 0) == "");
  const NoGrad no_grad;
  const Value x(random_tensor({1, 16, 16, 1}, 1));
  CHECK(same_bits(model.forward(x, {}, nullptr).data(), again.forward(x, {}, nullptr).data()));

  NamedTensors tensors;
  for (const Parameter& p : model.parameters) tensors.emplace_back(p.name, p.value.data());
  const auto refused = [&](const std::string& key, const std::string& value) -> std::string {
    Metadata metadata = describe(model);
    metadata[key] = value;
    write_safetensors(path, tensors, metadata);
    try {
      load_model(path);
      return "";
    } catch (const WeightsError& e) {
      return e.what();
    }
  };
  CHECK(refused("licence", "CC0") == "");
  CHECK_THAT(refused("backbone", "vgg19"), Catch::Contains("vgg19"));
  CHECK_THAT(refused("preprocessing", "none"), Catch::Contains("none"));
  CHECK_THAT(refused("blocks", "7"), Catch::Contains("blocks"));
  CHECK_THAT(refused("blocks", "four"), Catch::Contains("four"));
  CHECK_THAT(refused("widths", "1,2,3"), Catch::Contains("widths"));
  CHECK_THAT(refused("widths", "3,4,5,6,99999"), Catch::Contains("widths"));
  CHECK_THAT(refused("widths", "3,4,5,40,16"), Catch::Contains("wants"));
  CHECK_THAT(refused("temperature", "nan"), Catch::Contains("temperature"));
  CHECK_THAT(refused("width_divisor", "3"), Catch::Contains("width_divisor"));

  // A head that learnt other bins is not taken for one of these.
  save_model(path, model);
  VggUnetConfig other = config;
  other.bins = Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 30});
  Model receiver = make_vgg_unet(other, 1);
  CHECK_THROWS_WITH(load_parameters(SafetensorsFile(path), receiver), Catch::Contains("bins"));
  fs::remove_all(folder);
}
