// Training on the device: step for step what the CPU does, and resumed on the other.
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "core/random.h"
#include "kernels/colour.h"
#include "layers/precision.h"
#include "models/dahl.h"
#include "models/unet.h"
#include "models/vgg_unet.h"
#include "tests/check.h"
#include "train/learner.h"
#include "train/predict.h"

namespace tinct {
namespace {

namespace fs = std::filesystem;

constexpr long kSteps = 10;
constexpr double kLearningRate = 1e-3;

// Pictures of 32x32 with smooth colours, other ones for each index.
Batch batch_of(std::size_t index) {
  constexpr std::size_t n = 2, side = 32, pixels = n * side * side;
  Batch batch;
  batch.step = index;
  batch.rgb = Tensor({n, side, side, 3}, DType::u8);
  batch.lightness = Tensor({n, side, side, 1});
  batch.ab = Tensor({n, side, side, 2});
  const Random random(index, Purpose::test);
  for (std::size_t i = 0; i < pixels; ++i) {
    const double x = static_cast<double>(i % side) / side, y = static_cast<double>(i / side) / side;
    for (std::size_t k = 0; k < 3; ++k) {
      const double phase = 6 * random.uniform(k);
      const double wave = std::sin(phase + 5 * x + static_cast<double>(k) * y);
      batch.rgb.u8()[3 * i + k] = static_cast<std::uint8_t>(128 + 100 * wave);
    }
  }
  std::vector<float> lab(3 * pixels);
  cpu::srgb_to_lab(pixels, batch.rgb.u8(), lab.data());
  for (std::size_t i = 0; i < pixels; ++i) {
    batch.lightness.f32()[i] = lab[3 * i];
    batch.ab.f32()[2 * i] = lab[3 * i + 1];
    batch.ab.f32()[2 * i + 1] = lab[3 * i + 2];
  }
  return batch;
}

TrainConfig config_of() {
  TrainConfig config;
  config.train.steps = kSteps;
  config.train.ema = 0.9;
  config.train.clip = 1;
  config.optim.lr = kLearningRate;
  config.schedule.name = "constant";
  return config;
}

Model narrow_unet() {
  return make_unet({.preset = "unet-small", .widths = {8, 12, 16}, .bins = {}}, 3);
}

Model narrow_vgg_unet(Head head) {
  VggUnetConfig config;
  config.preset = "vgg-unet";
  config.backbone.width_divisor = 16;
  config.widths = {0, 4, 8, 8, 8};
  config.head = head;
  if (head == Head::binned) config.bins = Tensor::from({1, 1, 3, 2}, {0, 0, 40, 40, -40, 20});
  return make_vgg_unet(config, 3);
}

Model narrow_dahl(bool exact) {
  DahlConfig config{.preset = "dahl-residual", .backbone = {}, .exact = exact};
  config.backbone.width_divisor = 16;
  return make_dahl(config, 3);
}

// Empty when all weights together, and those of the moving average, agree within 1e-3, and no
// single one is further away than a step of Adam's, whose direction can hang on the sign of next to
// nothing.
std::string compare_weights(Learner& host, Learner& device) {
  const NamedTensors averages = host.ema()->state(), others = device.ema()->state();
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < averages.size(); ++i) {
    const Parameter& p = host.model().parameters[i];
    const Tensor there = device.model().parameters[i].value.data();
    if (there.device() != Device::gpu) return p.name + " has left the device";
    for (const auto& [a, b] : {std::pair{there.to(Device::cpu), p.value.data()},
                               std::pair{others[i].second, averages[i].second}}) {
      const std::string text = test::difference(a, b, 1e-3, kLearningRate);
      if (!text.empty()) return p.name + " " + text;
      if (p.buffer || !p.value.requires_grad()) continue;
      for (std::size_t k = 0; k < a.size(); ++k) {
        error += std::pow(double{a.f32()[k]} - b.f32()[k], 2);
        norm += std::pow(double{b.f32()[k]}, 2);
      }
    }
  }
  const double figure = std::sqrt(error / norm);
  return figure <= 1e-3 ? std::string() : "weights differ by " + std::to_string(figure);
}

// Empty when ten steps on the device have the losses and leave the weights of ten on the host.
std::string compare(const std::function<Model()>& model, TrainConfig config = config_of()) {
  Learner host(config, model()), device(config, model(), {}, Device::gpu);
  for (std::size_t i = 0; i < kSteps; ++i) {
    const StepResult a = host.step({batch_of(i)}), b = device.step({batch_of(i)});
    if (!(std::abs(b.loss - a.loss) <= 1e-3 * std::abs(a.loss))) {
      return "step " + std::to_string(i + 1) + ": loss " + std::to_string(b.loss) + " for " +
             std::to_string(a.loss);
    }
    if (!(std::abs(b.grad_norm - a.grad_norm) <= 1e-3 * a.grad_norm)) {
      return "step " + std::to_string(i + 1) + ": gradient norm " + std::to_string(b.grad_norm) +
             " for " + std::to_string(a.grad_norm);
    }
  }
  std::string text = compare_weights(host, device);
  if (!text.empty()) return text;
  const PredictOptions flipped{.flip = true};
  const Tensor l = batch_of(99).lightness;
  text = test::relative_error(predict_ab(device.model(), l, flipped),
                              predict_ab(host.model(), l, flipped), 1e-3);
  return text.empty() ? text : "predicted colour: " + text;
}

TEST_CASE("ten steps of every kind of network on the device are the host's", "[device][slow]") {
  if (!test::has_device()) return;
  CHECK(compare(narrow_unet) == "");
  TrainConfig gentle = config_of();
  gentle.optim.lr = 1e-4;  // its decoder's weights start small: larger steps turn ReLUs over
  CHECK(compare([] { return narrow_vgg_unet(Head::regression); }, gentle) == "");
  CHECK(compare([] { return narrow_dahl(false); }) == "");
}

TEST_CASE("other losses and optimizers on the device are the host's", "[device][slow]") {
  if (!test::has_device()) return;
  TrainConfig config = config_of();
  config.optim.name = "sgd";
  config.optim.lr = 1e-2;
  CHECK(compare([] { return narrow_vgg_unet(Head::binned); }, config) == "");
  config.optim.momentum = 0;
  config.optim.lr = 1e-4;  // larger steps let the kinks of Dahl's loss magnify what rounding does
  CHECK(compare([] { return narrow_dahl(true); }, config) == "");
}

// The loss of one training pass, and the gradients of all weights, on the device.
struct Pass {
  double loss = 0;
  std::vector<float> gradients;
};

Pass pass_of(const TrainConfig& config, Model model, Precision precision) {
  const PrecisionScope scope(precision);
  Learner learner(config, std::move(model), {}, Device::gpu);
  const StepInput input = learner.prepare(batch_of(0));
  const Mode mode{.training = true, .seed = 1, .step = 0};
  const Value output = learner.model().forward(Value(input.input), mode, nullptr);
  const Value loss = learner.objective()(output, input.target);
  loss.backward();
  Pass pass{loss.data().f32()[0], {}};
  for (const Parameter& p : learner.model().parameters) {
    if (p.buffer || !p.value.requires_grad()) continue;
    const Tensor g = p.value.grad().to(Device::cpu);
    pass.gradients.insert(pass.gradients.end(), g.f32(), g.f32() + g.size());
  }
  return pass;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i], aa += double{a[i]} * a[i], bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// Empty when training and predicting in bf16 stay near f32: the loss and its gradient at the
// start, the losses of a few steps, and the colours of a picture,
// within half a unit of a and b (root mean square).
std::string compare_bf16(const std::function<Model()>& model, const TrainConfig& config) {
  const Pass wide = pass_of(config, model(), Precision::f32);
  const Pass narrow = pass_of(config, model(), Precision::bf16);
  if (!(std::abs(narrow.loss - wide.loss) <= 0.02 * wide.loss)) {
    return "loss " + std::to_string(narrow.loss) + " for " + std::to_string(wide.loss);
  }
  const double direction = cosine(narrow.gradients, wide.gradients);
  if (!(direction > 0.99)) return "the gradients' cosine is " + std::to_string(direction);
  if (narrow.gradients == wide.gradients) return "bf16 rounds nothing: it is f32";

  Learner a(config, model(), {}, Device::gpu), b(config, model(), {}, Device::gpu);
  for (std::size_t i = 0; i < 3; ++i) {
    const double expected = a.step({batch_of(i)}).loss;
    const PrecisionScope scope(Precision::bf16);
    const double loss = b.step({batch_of(i)}).loss;
    if (!(std::abs(loss - expected) <= 0.02 * expected)) {
      return "step " + std::to_string(i + 1) + ": loss " + std::to_string(loss) + " for " +
             std::to_string(expected);
    }
  }
  for (const Parameter& p : b.model().parameters) {
    if (p.value.data().dtype() != DType::f32) return p.name + " is not stored as f32";
  }
  const Tensor l = batch_of(99).lightness;
  const Tensor expected = predict_ab(a.model(), l);
  const PrecisionScope scope(Precision::bf16);
  const Tensor colour = predict_ab(a.model(), l);
  double squares = 0;
  for (std::size_t i = 0; i < colour.size(); ++i) {
    squares += std::pow(double{colour.f32()[i]} - expected.f32()[i], 2);
  }
  const double distance = std::sqrt(squares / static_cast<double>(colour.size()));
  return distance <= 0.5 ? std::string() : "colours are off by " + std::to_string(distance);
}

TEST_CASE("training and predicting in bf16 stay near f32", "[device][slow]") {
  if (!test::has_device()) return;
  CHECK(compare_bf16(narrow_unet, config_of()) == "");
  CHECK(compare_bf16([] { return narrow_vgg_unet(Head::regression); }, config_of()) == "");
  TrainConfig config = config_of();
  config.optim.name = "sgd";
  CHECK(compare_bf16([] { return narrow_vgg_unet(Head::binned); }, config) == "");
  CHECK(compare_bf16([] { return narrow_dahl(false); }, config) == "");
}

TEST_CASE("a run goes on where it stopped on the other device", "[device][slow]") {
  if (!test::has_device()) return;
  const fs::path folder = fs::temp_directory_path() / ("tinct-devices-" + std::to_string(getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const TrainConfig config = config_of();
  Learner whole(config, narrow_unet());
  for (std::size_t i = 0; i < 6; ++i) whole.step({batch_of(i)});

  // Two steps here, two there, two here.
  Device where = Device::cpu;
  for (std::size_t leg = 0; leg < 3; ++leg) {
    Learner learner(config, narrow_unet(), {}, where);
    if (leg > 0) learner.restore(*find_checkpoint(folder).newest);
    CHECK(learner.steps() == static_cast<long>(2 * leg));
    for (std::size_t i = 2 * leg; i < 2 * leg + 2; ++i) learner.step({batch_of(i)});
    save_checkpoint(folder, learner.steps(), learner.checkpoint_files({}), 3);
    where = where == Device::cpu ? Device::gpu : Device::cpu;
  }
  const SafetensorsFile weights(find_checkpoint(folder).newest->path + "/model.safetensors");
  for (const Parameter& p : whole.model().parameters) {
    CHECK(test::difference(weights.load(p.name).reshaped(p.value.shape()), p.value.data(), 1e-3,
                           kLearningRate) == "");
  }
  fs::remove_all(folder);
}

TEST_CASE("loading weights leaves a model where it is", "[device]") {
  if (!test::has_device()) return;
  const fs::path file = fs::temp_directory_path() / ("tinct-there-" + std::to_string(getpid()));
  Model there = narrow_unet();
  move_to(there.parameters, Device::gpu);
  CHECK(device_of(there) == Device::gpu);
  save_model(file, there);
  Model other = make_unet({.preset = "unet-small", .widths = {8, 12, 16}, .bins = {}}, 4);
  move_to(other.parameters, Device::gpu);
  load_parameters(SafetensorsFile(file), other);
  CHECK(device_of(other) == Device::gpu);
  for (std::size_t i = 0; i < there.parameters.size(); ++i) {
    CHECK(test::difference(other.parameters[i].value.data().to(Device::cpu),
                           there.parameters[i].value.data().to(Device::cpu), 0, 0) == "");
  }
  fs::remove(file);
}

}  // namespace
}  // namespace tinct
