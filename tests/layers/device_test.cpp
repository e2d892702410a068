// Every layer on the device: the values and the gradients of the host.
#include <catch2/catch.hpp>

#include "core/error.h"
#include "layers/activation.h"
#include "layers/add.h"
#include "layers/average_pool.h"
#include "layers/batch_norm.h"
#include "layers/bilinear_upsample.h"
#include "layers/blurred_euclidean.h"
#include "layers/concat.h"
#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/dahl_loss.h"
#include "layers/dropout.h"
#include "layers/fully_connected.h"
#include "layers/gaussian_blur.h"
#include "layers/hypercolumn.h"
#include "layers/loss.h"
#include "layers/max_pool.h"
#include "layers/nearest_upsample.h"
#include "layers/neutral_rgb.h"
#include "layers/normalise_rgb.h"
#include "layers/scale.h"
#include "tests/check.h"

namespace tinct {
namespace {

using test::check_on_device;
using test::random_tensor;
using Values = std::vector<Value>;

constexpr Mode kTraining{.training = true, .seed = 7, .step = 3};

TEST_CASE("elementwise layers on the device", "[device]") {
  const Tensor a = random_tensor({2, 5, 7, 3}, 1), b = random_tensor({2, 5, 7, 3}, 2);
  const Tensor c = random_tensor({2, 5, 7, 8}, 3);
  for (const Activation kind :
       {Activation::relu, Activation::leaky_relu, Activation::sigmoid, Activation::tanh}) {
    CHECK(check_on_device([&](const Values& v) { return activate(v[0], kind); }, {a}) == "");
    CHECK(check_on_device([&](const Values& v) { return add(v[0], v[1], kind); }, {a, b}) == "");
  }
  CHECK(check_on_device([](const Values& v) { return add(v[0], v[0]); }, {a}) == "");
  CHECK(check_on_device([](const Values& v) { return scale(v[0], 1.5f); }, {a}) == "");
  CHECK(check_on_device([](const Values& v) { return concat(v); }, {a, c, b}) == "");
  CHECK(check_on_device([](const Values& v) { return dropout(v[0], 0.4f, kTraining, 1); }, {a}) ==
        "");
  CHECK(check_on_device([](const Values& v) { return channel_dropout(v[0], 0.4f, kTraining, 1); },
                        {c}) == "");
  const RgbNormalisation bgr{{2, 1, 0}, {255, 254, 253}, {-103, -116, -123}};
  CHECK(check_on_device([&](const Values& v) { return normalise_rgb(v[0], bgr); }, {a}) == "");
}

TEST_CASE("pooling and resizing on the device", "[device]") {
  const Tensor x = random_tensor({2, 9, 8, 5}, 1);
  const PoolWindow overlapping{.kh = 3,
                               .kw = 3,
                               .stride_h = 2,
                               .stride_w = 2,
                               .pad_top = 1,
                               .pad_left = 1,
                               .pad_bottom = 1,
                               .pad_right = 1};
  for (const PoolWindow& window : {PoolWindow{}, overlapping}) {
    CHECK(check_on_device([&](const Values& v) { return max_pool(v[0], window); }, {x}) == "");
    for (const bool include : {true, false}) {
      CHECK(check_on_device([&](const Values& v) { return average_pool(v[0], window, include); },
                            {x}) == "");
    }
  }
  CHECK(check_on_device([](const Values& v) { return global_average_pool(v[0]); }, {x}) == "");
  CHECK(check_on_device([](const Values& v) { return nearest_upsample(v[0], 18, 11); }, {x}) == "");
  for (const Align align : {Align::half_pixel, Align::corners, Align::legacy}) {
    CHECK(check_on_device([&](const Values& v) { return bilinear_upsample(v[0], 18, 16, align); },
                          {x}) == "");
    CHECK(check_on_device([&](const Values& v) { return bilinear_upsample(v[0], 13, 7, align); },
                          {x}) == "");
  }
  for (const Border border : {Border::zero, Border::symmetric}) {
    CHECK(check_on_device(
              [&](const Values& v) { return gaussian_blur(v[0], {.size = 5, .border = border}); },
              {x}) == "");
  }
}

TEST_CASE("layers with weights on the device", "[device]") {
  const auto check = [](const auto& f, Shape x, Shape w) {
    return check_on_device(
        [&](const Values& v) { return f(v[0], v[1], v[2]); },
        {random_tensor(x, 1), random_tensor(w, 2), random_tensor({1, 1, 1, w.n}, 3)});
  };
  const auto convolution = [](const Value& x, const Value& w, const Value& b) {
    Conv2dOptions options = same_padding(3, 2);
    options.activation = Activation::relu;
    return conv2d(x, w, b, options);
  };
  CHECK(check(convolution, {2, 9, 8, 3}, {5, 3, 3, 3}) == "");
  CHECK(check(convolution, {1, 8, 8, 16}, {8, 3, 3, 16}) == "");
  const auto transposed = [](const Value& x, const Value& w, const Value& b) {
    return conv_transpose2d(x, w, b, pytorch_transpose(2, 1, 1));
  };
  CHECK(check(transposed, {1, 4, 5, 3}, {2, 3, 3, 3}) == "");
  const auto dense = [](const Value& x, const Value& w, const Value& b) {
    return fully_connected(x, w, b, Activation::tanh);
  };
  CHECK(check(dense, {3, 2, 1, 5}, {4, 1, 1, 10}) == "");
}

TEST_CASE("a convolution over a hypercolumn on the device", "[device]") {
  const auto f = [](const Values& v) {
    return hypercolumn_conv2d({v[0], v[1], v[2], v[3]}, v[4], v[5], 8, 6);
  };
  const std::vector<Tensor> inputs = {
      random_tensor({2, 8, 6, 3}, 1),   random_tensor({2, 4, 3, 4}, 2),
      random_tensor({2, 8, 6, 2}, 3),   random_tensor({2, 2, 2, 5}, 4),
      random_tensor({66, 3, 3, 14}, 5), random_tensor({1, 1, 1, 66}, 6)};
  CHECK(check_on_device(f, inputs, 2e-5) == "");
  const auto small = [](const Values& v) { return hypercolumn_conv2d({v[0]}, v[1], v[2], 8, 6); };
  CHECK(check_on_device(small, {inputs[1], random_tensor({5, 1, 1, 4}, 7),
                                random_tensor({1, 1, 1, 5}, 8)}) == "");
}

// A batch norm of 5 channels whose every tensor is on that device.
BatchNorm norm_on(Device device) {
  BatchNorm norm = make_batch_norm(5);
  norm.running_mean = Value(random_tensor({1, 1, 1, 5}, 8).to(device));
  norm.running_var = Value(Tensor::full({1, 1, 1, 5}, 2, device));
  return norm;
}

TEST_CASE("batch norm on the device moves its statistics too", "[device]") {
  const std::vector<Tensor> inputs = {random_tensor({2, 5, 7, 5}, 1),
                                      random_tensor({1, 1, 1, 5}, 2),
                                      random_tensor({1, 1, 1, 5}, 3)};
  for (const Mode& mode : {kTraining, Mode{}}) {
    std::vector<Tensor> after;
    const auto f = [&](const Values& v) {
      BatchNorm norm = norm_on(v[0].device());
      norm.gamma = v[1];
      norm.beta = v[2];
      const Value y = norm(v[0], mode, Activation::relu);
      after.push_back(norm.running_mean.data().to(Device::cpu));
      after.push_back(norm.running_var.data().to(Device::cpu));
      return y;
    };
    CHECK(check_on_device(f, inputs, 2e-5) == "");
    for (std::size_t i = 0; i + 2 < after.size(); ++i) {
      CHECK(test::difference(after[i + 2], after[i], 1e-5, 1e-6) == "");
    }
  }
}

TEST_CASE("losses on the device are scalars on the host", "[device]") {
  const Shape s{2, 4, 5, 3};
  const Tensor p = random_tensor(s, 1), t = random_tensor(s, 2),
               weight = random_tensor({2, 4, 5, 1}, 3);
  const auto check = [&](const auto& loss) {
    return check_on_device(
        [&](const Values& v) {
          const Device device = v[0].device();
          const Value value = loss(v[0], t.to(device), weight.to(device));
          if (value.device() != Device::cpu) throw std::logic_error("a loss is on the device");
          return value;
        },
        {p});
  };
  using V = const Value&;
  using T = const Tensor&;
  CHECK(check([](V x, T y, T w) { return l1_loss(x, y, w); }) == "");
  CHECK(check([](V x, T y, T) { return l2_loss(x, y); }) == "");
  CHECK(check([](V x, T y, T w) { return huber_loss(x, y, 0.5f, w); }) == "");
  CHECK(check([](V x, T y, T) { return bce_with_logits(x, y); }) == "");
  CHECK(check([](V x, T y, T) { return blurred_euclidean(x, y); }) == "");
  CHECK(check([](V x, T y, T) { return scale(softmax_cross_entropy(x, y), 2); }) == "");
  const Tensor index = Tensor::from({2, 1, 1, 2}, {0, 2, 1, 0});
  const Tensor share = Tensor::from({2, 1, 1, 2}, {.7f, .3f, .6f, .4f});
  const Tensor class_weight = Tensor::from({1, 1, 1, 3}, {1, 2, 3});
  const auto sparse = [&](const Values& v) {
    const Device device = v[0].device();
    return softmax_cross_entropy(v[0], SparseTarget{index.to(device), share.to(device)},
                                 class_weight.to(device), ClassWeighting::top_bin);
  };
  CHECK(check_on_device(sparse, {random_tensor({2, 1, 1, 3}, 1)}) == "");
  Tensor chroma = random_tensor({2, 5, 6, 2}, 4), rgb = random_tensor({2, 5, 6, 3}, 5);
  for (std::size_t i = 0; i < chroma.size(); ++i) chroma.f32()[i] = 0.5f + 0.02f * chroma.f32()[i];
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb.f32()[i] = 0.1f + 0.05f * rgb.f32()[i];
  const auto dahl = [&](const Values& v) {
    const Device device = v[0].device();
    return dahl_loss(v[0], Tensor::full({2, 5, 6, 1}, 0.15f, device), rgb.to(device));
  };
  CHECK(check_on_device(dahl, {chroma}) == "");
}

TEST_CASE("grey pictures for a backbone on the device", "[device]") {
  if (!test::has_device()) return;
  const Tensor x = random_tensor({2, 8, 4, 1}, 1);
  const auto same = [&](const auto& f) {
    return test::difference(f(Value(x.to(Device::gpu))).data().to(Device::cpu), f(Value(x)).data(),
                            0, 2e-6);
  };
  CHECK(same([](const Value& v) { return neutral_rgb(v); }) == "");
  CHECK(same([](const Value& v) { return space_to_depth(v, 4); }) == "");
}

TEST_CASE("inputs on two devices are refused by name", "[device]") {
  if (!test::has_device()) return;
  const Value here(random_tensor({1, 4, 4, 2}, 1)),
      there(random_tensor({1, 4, 4, 2}, 2).to(Device::gpu));
  const std::string places = ": (1,4,4,2) is on the cpu, (1,4,4,2) on the gpu";
  CHECK_THROWS_WITH(add(here, there), "add" + places);
  CHECK_THROWS_WITH(concat({here, there}), "concat" + places);
  CHECK_THROWS_WITH(l2_loss(here, there.data()), "l2_loss" + places);
  CHECK_THROWS_WITH(blurred_euclidean(here, there.data()), "blurred_euclidean" + places);
  const Value w(random_tensor({3, 1, 1, 2}, 3));
  CHECK_THROWS_AS(conv2d(there, w, {}), std::invalid_argument);
  CHECK_THROWS_AS(make_batch_norm(2)(there, kTraining), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
