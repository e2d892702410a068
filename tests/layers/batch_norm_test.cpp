// Batch normalisation as a layer: against PyTorch, by central differences, and its running
// statistics.
#include "layers/batch_norm.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/check.h"
#include "tests/layers/golden.h"

namespace tinct {
namespace {

constexpr Mode kTraining{.training = true};

TEST_CASE("batch norm agrees with PyTorch", "[batch_norm][golden]") {
  struct {
    const char* name;
    bool training;
    Activation activation;
  } const cases[] = {{"train", true, Activation::none},
                     {"train_relu", true, Activation::relu},
                     {"train_leaky", true, Activation::leaky_relu},
                     {"eval", false, Activation::none}};
  for (const auto& [name, training, activation] : cases) {
    INFO(name);
    const test::Golden golden("norm_and_pool.safetensors", name);
    BatchNorm norm = make_batch_norm(5);
    norm.eps = 1e-3f;
    norm.momentum = 0.2f;
    norm.gamma = Value(golden.load("gamma"), true);
    norm.beta = Value(golden.load("beta"), true);
    norm.running_mean = Value(golden.load("before_mean"));
    norm.running_var = Value(golden.load("before_var"));
    const Value x(golden.load("x"), true);
    Value y = norm(x, Mode{.training = training}, activation);
    CHECK(test::difference(y.data(), golden.load("y"), 1e-5, 1e-5) == "");
    y.backward(golden.load("dy"));
    CHECK(test::difference(x.grad(), golden.load("dx"), 1e-5, 1e-5) == "");
    CHECK(test::difference(norm.gamma.grad(), golden.load("dgamma"), 1e-5, 1e-5) == "");
    CHECK(test::difference(norm.beta.grad(), golden.load("dbeta"), 1e-5, 1e-5) == "");
    CHECK(test::difference(norm.running_mean.data(), golden.load("after_mean"), 1e-6, 1e-6) == "");
    CHECK(test::difference(norm.running_var.data(), golden.load("after_var"), 1e-6, 1e-6) == "");
  }
}

TEST_CASE("the golden comparison catches another eps", "[batch_norm][golden]") {
  const test::Golden golden("norm_and_pool.safetensors", "train");
  BatchNorm norm = make_batch_norm(5);
  norm.eps = 1e-1f;
  norm.gamma = Value(golden.load("gamma"));
  norm.beta = Value(golden.load("beta"));
  const Value y = norm(Value(golden.load("x")), kTraining);
  CHECK(test::difference(y.data(), golden.load("y"), 1e-5, 1e-5) != "");
}

TEST_CASE("batch norm's gradients agree with central differences", "[batch_norm]") {
  const std::vector<Tensor> inputs = {test::random_tensor({2, 3, 4, 5}, 1),
                                      test::random_tensor({1, 1, 1, 5}, 2),
                                      test::random_tensor({1, 1, 1, 5}, 3)};
  for (const Mode& mode : {kTraining, Mode{}}) {
    for (const bool always_train : {false, true}) {
      const auto f = [&](const std::vector<Value>& v) {
        BatchNorm norm = make_batch_norm(5);
        norm.gamma = v[1];
        norm.beta = v[2];
        norm.always_train = always_train;
        return norm(v[0], mode);
      };
      CHECK(test::check_gradients(f, inputs, 1e-2, 5e-3) == "");
    }
  }
}

TEST_CASE("the gradient check catches statistics taken for constants", "[batch_norm]") {
  const auto f = [&](const std::vector<Value>& v) {
    BatchNorm norm = make_batch_norm(5);
    const Value trained = norm(Value(v[0].data()), kTraining);  // right numbers, no path to x
    Tensor mean({1, 1, 1, 5});
    BatchNorm frozen = make_batch_norm(5);
    frozen.running_mean = norm.running_mean;
    const Value y = frozen(v[0], Mode{});
    return Value(trained.data(), {y},
                 [](std::vector<Value>& inputs, const Tensor& dy) { inputs[0].add_grad(dy); });
  };
  CHECK(test::check_gradients(f, {test::random_tensor({2, 3, 4, 5}, 1)}, 1e-2, 5e-3) != "");
}

TEST_CASE("running statistics move by the momentum, in training only", "[batch_norm]") {
  const Value x(Tensor::from({2, 1, 1, 1}, {1, 3}));  // mean 2, variance 1, unbiased 2
  BatchNorm norm = make_batch_norm(1);
  norm(x, Mode{});
  CHECK(norm.running_mean.data().f32()[0] == 0);
  norm(x, kTraining);
  CHECK(norm.running_mean.data().f32()[0] == Approx(0.2));
  CHECK(norm.running_var.data().f32()[0] == Approx(0.9 + 0.1 * 2));

  norm = make_batch_norm(1);
  norm.unbiased_running_var = false;
  norm.momentum = 0.01f;
  norm(x, kTraining);
  CHECK(norm.running_mean.data().f32()[0] == Approx(0.02));
  CHECK(norm.running_var.data().f32()[0] == Approx(0.99 + 0.01));

  norm = make_batch_norm(1);
  norm.always_train = true;
  const Value y = norm(x, Mode{});
  CHECK(y.data().f32()[0] == Approx(-1).epsilon(1e-4));
  CHECK(norm.running_mean.data().f32()[0] == 0);
}

TEST_CASE("one value a channel gives beta and no gradient", "[batch_norm]") {
  BatchNorm norm = make_batch_norm(3);
  const Value x(test::random_tensor({1, 1, 1, 3}, 1), true);
  Value y = norm(x, kTraining);
  CHECK(test::difference(y.data(), Tensor::zeros(y.shape()), 0, 0) == "");
  y.backward();
  CHECK(test::difference(x.grad(), Tensor::zeros(y.shape()), 0, 0) == "");
  CHECK(std::isfinite(norm.running_var.data().f32()[0]));
}

TEST_CASE("a fused activation equals the same one after", "[batch_norm]") {
  const Value x(test::random_tensor({2, 3, 3, 7}, 1));
  for (const Activation kind : {Activation::sigmoid, Activation::tanh}) {
    BatchNorm norm = make_batch_norm(7);
    CHECK(norm(x, kTraining, kind).shape() == x.shape());
    CHECK(std::abs(norm(x, kTraining, kind).data().f32()[0]) <= 1);
  }
}

TEST_CASE("batch norm's parameters and what it refuses", "[batch_norm]") {
  BatchNorm norm = make_batch_norm(4);
  Parameters parameters;
  norm.collect(parameters, "block1.norm");
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0].name == "block1.norm.gamma");
  CHECK(!parameters[1].buffer);
  CHECK(parameters[2].name == "block1.norm.running_mean");
  CHECK(parameters[3].buffer);
  CHECK_THROWS_AS(norm(Value(Tensor({1, 2, 2, 3})), Mode{}), std::invalid_argument);
  CHECK_THROWS_AS(norm(Value(Tensor({0, 2, 2, 4})), Mode{}), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
