// The U-Net: shapes, names, determinism, weights files, and gradients through the whole network.
#include "models/unet.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "layers/loss.h"
#include "tests/check.h"
#include "tests/models/gradients.h"
#include "tests/same_bits.h"

using namespace tinct;
using test::random_tensor;
using test::same_bits;

namespace {

Tensor three_bins() {
  return Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 20});
}

Model narrow(Head head = Head::regression) {
  return make_unet({.preset = "narrow", .widths = {4, 6, 8}, .head = head, .bins = three_bins()},
                   3);
}

}  // namespace

TEST_CASE("unet-small has the parameters it says, under unique names") {
  const Model model = make_model("unet-small", 1);
  std::size_t count = 0;
  std::set<std::string> names;
  for (const Parameter& p : model.parameters) {
    CHECK(names.insert(p.name).second);
    CHECK(p.buffer != p.value.requires_grad());
    if (!p.buffer) count += p.value.data().size();
  }
  const std::size_t convolutions =
      9 * (1 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256 +
           384 * 128 + 128 * 128 + 192 * 64 + 64 * 64 + 96 * 32 + 32 * 32);
  const std::size_t norms = 2 * 2 * (32 + 64 + 128 + 256 + 128 + 64 + 32);
  const std::size_t context = 256 * 128 + 128 + 128 * 256 + 256;
  CHECK(count == convolutions + norms + context + 32 * 2 + 2);
  CHECK(model.info.multiple == 16);
  CHECK_THROWS_AS(make_model("unet-smal", 1), std::invalid_argument);
}

TEST_CASE("the regression head answers at the input's size, the binned head at a quarter") {
  const Value x(random_tensor({2, 16, 24, 1}, 1));
  const NoGrad no_grad;
  CHECK(narrow().forward(x, {}, nullptr).shape() == Shape{2, 16, 24, 2});
  Taps taps;
  CHECK(narrow(Head::binned).forward(x, {}, &taps).shape() == Shape{2, 4, 6, 3});
  CHECK(taps.front().first == "encoder1");
  CHECK(taps.back().first == "head");
  CHECK_THROWS_AS(make_unet({.preset = "", .widths = {4, 4}, .bins = {}}, 0),
                  std::invalid_argument);
}

TEST_CASE("a training step is the same bits for any thread count") {
  CHECK(test::same_bits_for_any_threads([] {
          const Model model = narrow();
          const Value y =
              model.forward(Value(random_tensor({2, 16, 16, 1}, 1)), {.training = true}, nullptr);
          l2_loss(y, random_tensor(y.shape(), 2)).backward();
          return test::all_gradients(model);
        }) == "");
}

TEST_CASE("the gradient of the whole network agrees with central differences") {
  const Model model = make_unet({.preset = "", .widths = {3, 4, 5}, .bins = {}}, 3);
  std::vector<Parameter> weights;
  for (const Parameter& p : model.parameters) {
    if (p.name == "head.weight" || p.name == "head.bias" || p.name == "context.expand.weight" ||
        p.name == "decoder1.2.norm.gamma") {
      weights.push_back(p);
    }
  }
  REQUIRE(weights.size() == 4);
  std::vector<Tensor> inputs;
  for (const Parameter& p : weights) {
    inputs.push_back(random_tensor(p.value.shape(), inputs.size()));
  }
  const Tensor x = random_tensor({2, 16, 16, 1}, 9);
  const auto f = [&](const std::vector<Value>& leaves) {
    // The network holds its own leaves: hand them the numbers, and pass their gradients on.
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      weights[i].value.mutable_data() = leaves[i].data().clone();
      weights[i].value.clear_grad();
    }
    const Value y = model.forward(Value(x), {.training = true}, nullptr);
    return Value(y.data(), leaves, [y, weights](std::vector<Value>& in, const Tensor& dy) {
      y.backward(dy);
      for (std::size_t i = 0; i < in.size(); ++i) in[i].add_grad(weights[i].value.grad());
    });
  };
  CHECK(test::check_gradients(f, inputs, 2e-3, 2e-2, 24) == "");
}

TEST_CASE("a saved model is loaded again; anything else is refused by name") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("tinct-unet-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string path = (folder / "m.safetensors").string();
  Model model = make_model("unet-small", 5);
  model.info.chroma_gain = 1.25f;
  save_model(path, model, {{"licence", "CC0"}});
  const Model again = load_model(path);
  CHECK(again.info.chroma_gain == 1.25f);
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    CHECK(same_bits(model.parameters[i].value.data(), again.parameters[i].value.data()));
  }
  CHECK(SafetensorsFile(path).metadata().at("licence") == "CC0");

  const auto refused = [&](const NamedTensors& tensors, const Metadata& metadata) -> std::string {
    write_safetensors(path, tensors, metadata);
    try {
      load_model(path);
      return {};
    } catch (const WeightsError& e) {
      return e.what();
    }
  };
  NamedTensors tensors;
  for (const Parameter& p : model.parameters) tensors.emplace_back(p.name, p.value.data());
  CHECK(refused(tensors, describe(model)) == "");
  CHECK_THAT(refused(tensors, {}), Catch::Contains("preset"));
  CHECK_THAT(refused(tensors, {{"preset", "unet-small"}, {"chroma_gain", "2x"}}),
             Catch::Contains("chroma_gain"));
  CHECK_THAT(refused(tensors, {{"preset", "other"}}), Catch::Contains("other"));
  const NamedTensors fewer(tensors.begin() + 1, tensors.end());
  CHECK_THAT(refused(fewer, describe(model)), Catch::Contains("missing"));
  NamedTensors more = tensors;
  more.emplace_back("extra", Tensor::full({}, 1));
  CHECK_THAT(refused(more, describe(model)), Catch::Contains("extra"));
  NamedTensors wrong = tensors;
  wrong[0].second = Tensor::full({1, 1, 1, 7}, 1);
  CHECK_THAT(refused(wrong, describe(model)), Catch::Contains("wants"));
  NamedTensors poisoned = tensors;
  poisoned[0].second = poisoned[0].second.clone();
  poisoned[0].second.f32()[3] = NAN;
  CHECK_THAT(refused(poisoned, describe(model)), Catch::Contains("finite"));
  fs::remove_all(folder);
}
