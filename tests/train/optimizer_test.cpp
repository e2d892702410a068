// Optimizers against PyTorch's, clipping, moving averages, and equality over thread counts.
#include "train/optimizer.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "core/threads.h"
#include "tests/check.h"
#include "tests/same_bits.h"
#include "train/ema.h"

namespace tinct {
namespace {

using test::difference;
using test::random_tensor;
using test::same_bits;

Parameter parameter(const std::string& name, const Tensor& data, bool buffer = false) {
  return {name, Value(data.clone(), !buffer), buffer};
}

// Twenty steps over the golden gradients, whose ends PyTorch recorded.
void check_golden(const std::string& name, OptimizerOptions options) {
  const SafetensorsFile file(TINCT_SOURCE_DIR "/tests/golden/optim.safetensors");
  options.decay_everything = true;  // as PyTorch does
  Parameters parameters = {parameter("weight", file.load("start.weight")),
                           parameter("bias", file.load("start.bias"))};
  Optimizer optimizer(options, parameters);
  for (int step = 0; step < 20; ++step) {
    for (Parameter& p : parameters) {
      p.value.add_grad(file.load("gradient" + std::to_string(step) + "." + p.name));
    }
    optimizer.step(1);
    optimizer.clear_gradients();
  }
  for (const Parameter& p : parameters) {
    INFO(name << " " << p.name);
    CHECK(difference(p.value.data(), file.load(name + "." + p.name), 2e-6, 2e-6) == "");
  }
}

OptimizerOptions sgd(double lr, double momentum, bool nesterov, double decay) {
  OptimizerOptions o;
  o.name = "sgd";
  o.lr = lr;
  o.momentum = momentum;
  o.nesterov = nesterov;
  o.weight_decay = decay;
  return o;
}

OptimizerOptions adam(const std::string& name, double decay) {
  OptimizerOptions o;
  o.name = name;
  o.lr = 0.01;
  o.weight_decay = decay;
  return o;
}

}  // namespace

TEST_CASE("optimizers: twenty steps as PyTorch and Keras take them") {
  check_golden("sgd", sgd(0.1, 0, false, 0));
  check_golden("sgd_l2", sgd(0.1, 0, false, 0.05));
  check_golden("momentum", sgd(0.1, 0.9, false, 0.05));
  check_golden("nesterov", sgd(0.1, 0.9, true, 0.05));
  check_golden("adam", adam("adam", 0));
  check_golden("adamw", adam("adamw", 0.1));
  OptimizerOptions l2 = adam("adam", 0.05);
  l2.beta1 = 0.8;
  l2.beta2 = 0.95;
  l2.epsilon = 1e-3;
  check_golden("adam_l2", l2);
  OptimizerOptions keras = adam("adam", 0);
  keras.epsilon = 1e-3;
  keras.epsilon_placement = AdamEpsilon::raw;
  check_golden("adam_keras", keras);
}

TEST_CASE("optimizers: the golden check sees a misplaced epsilon") {
  const SafetensorsFile file(TINCT_SOURCE_DIR "/tests/golden/optim.safetensors");
  CHECK(difference(file.load("adam.weight"), file.load("adam_keras.weight"), 2e-6, 2e-6) != "");
}

TEST_CASE("sgd: a step that a person can check") {
  Parameters parameters = {parameter("w", Tensor::from({1, 1, 1, 2}, {1, -2}))};
  Optimizer optimizer(sgd(0.5, 0, false, 0), parameters);
  parameters[0].value.add_grad(Tensor::from({1, 1, 1, 2}, {2, 4}));
  optimizer.step(0.5, 0.5);  // w -= 0.25 * 0.5 * g
  CHECK(parameters[0].value.data().f32()[0] == 0.75f);
  CHECK(parameters[0].value.data().f32()[1] == -2.5f);
}

TEST_CASE("weight decay spares biases, and lr factors scale and freeze") {
  Parameters parameters = {parameter("encoder.weight", Tensor::full({2, 1, 1, 2}, 1)),
                           parameter("encoder.bias", Tensor::full({1, 1, 1, 2}, 1)),
                           parameter("head.weight", Tensor::full({2, 1, 1, 2}, 1)),
                           parameter("encoder.mean", Tensor::full({1, 1, 1, 2}, 1), true)};
  OptimizerOptions options = sgd(0.5, 0, false, 0.1);
  options.lr_factors = {{"encoder.", 0.5}, {"head", 0}};
  Optimizer optimizer(options, parameters);
  for (Parameter& p : parameters) p.value.add_grad(Tensor::full(p.value.shape(), 1));
  optimizer.step(1);
  CHECK(parameters[0].value.data().f32()[0] == Approx(1 - 0.25 * 1.1));
  CHECK(parameters[1].value.data().f32()[0] == 0.75f);
  CHECK(parameters[2].value.data().f32()[0] == 1.0f);
  CHECK(parameters[3].value.data().f32()[0] == 1.0f);
  options.lr_factors = {{"decoder", 1}};
  CHECK_THROWS_WITH(Optimizer(options, parameters), Catch::Contains("'decoder'"));
}

TEST_CASE("optimizers: settings out of range are refused") {
  const Parameters parameters = {parameter("w", Tensor::zeros({1, 1, 1, 1}))};
  CHECK_THROWS_AS(Optimizer(adam("adm", 0), parameters), std::invalid_argument);
  CHECK_THROWS_AS(Optimizer(sgd(-1, 0, false, 0), parameters), std::invalid_argument);
  CHECK_THROWS_AS(Optimizer(sgd(1, 0, true, 0), parameters), std::invalid_argument);
  CHECK_THROWS_AS(Optimizer(sgd(1, 1, false, 0), parameters), std::invalid_argument);
  CHECK_THROWS_AS(Optimizer(sgd(std::nan(""), 0, false, 0), parameters), std::invalid_argument);
}

TEST_CASE("clipping as PyTorch's clip_grad_norm_") {
  const SafetensorsFile file(TINCT_SOURCE_DIR "/tests/golden/optim.safetensors");
  Parameters parameters = {parameter("weight", file.load("start.weight")),
                           parameter("bias", file.load("start.bias"))};
  Optimizer optimizer(sgd(1, 0, false, 0), parameters);
  for (Parameter& p : parameters) p.value.add_grad(file.load("gradient0." + p.name));
  const double norm = optimizer.gradient_norm();
  CHECK(norm == Approx(file.load("clip.norm").f32()[0]).epsilon(1e-6));
  optimizer.step(1, clip_factor(norm, 1));
  for (const Parameter& p : parameters) {
    Tensor moved = file.load("start." + p.name);
    const Tensor clipped = file.load("clip." + p.name);
    for (std::size_t i = 0; i < moved.size(); ++i) moved.f32()[i] -= clipped.f32()[i];
    CHECK(difference(p.value.data(), moved, 1e-6, 1e-6) == "");
  }
  CHECK(clip_factor(5, 0) == 1);
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(optimizer.gradient_norm(2) == Approx(2 * norm));
}

TEST_CASE("optimizer state is restored under the parameters' names") {
  const auto make = [](Parameters& parameters) {
    return Optimizer(adam("adamw", 0.1), parameters);
  };
  Parameters a = {parameter("w", random_tensor({3, 1, 1, 5}, 1)),
                  parameter("b", random_tensor({1, 1, 1, 3}, 2))};
  Optimizer first = make(a);
  const auto step = [](Parameters& parameters, Optimizer& optimizer, std::uint64_t seed) {
    for (Parameter& p : parameters) p.value.add_grad(random_tensor(p.value.shape(), seed));
    optimizer.step(1);
    optimizer.clear_gradients();
  };
  step(a, first, 10);
  Parameters b = {parameter("w", a[0].value.data()), parameter("b", a[1].value.data())};
  Optimizer second = make(b);
  second.restore(first.state(), first.steps());
  step(a, first, 11);
  step(b, second, 11);
  CHECK(same_bits(a[0].value.data(), b[0].value.data()));
  CHECK(same_bits(a[1].value.data(), b[1].value.data()));
  NamedTensors state = first.state();
  CHECK(state.front().first == "exp_avg.w");
  state.pop_back();
  CHECK_THROWS_WITH(second.restore(state, 1), Catch::Contains("exp_avg_sq.b is missing"));
  state = first.state();
  state.front().second = Tensor::zeros({1, 1, 1, 15});
  CHECK_THROWS_AS(second.restore(state, 1), WeightsError);
}

TEST_CASE("a moving average forgets its beginning and swaps in and out") {
  Parameters parameters = {parameter("w", Tensor::full({1, 1, 1, 3}, 8))};
  Ema ema(0.5, parameters);
  parameters[0].value.mutable_data().fill(0);
  ema.update();  // decay min(0.5, 1/10): 8 * 0.1
  ema.swap();
  CHECK(parameters[0].value.data().f32()[2] == Approx(0.8));
  ema.swap();
  CHECK(parameters[0].value.data().f32()[2] == 0);
  Ema other(0.5, parameters);
  other.restore(ema.state(), ema.updates());
  CHECK(other.updates() == 1);
  CHECK(other.state()[0].second.f32()[0] == Approx(0.8));
  CHECK_THROWS_AS(Ema(1, parameters), std::invalid_argument);
}

}  // namespace tinct
