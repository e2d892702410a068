// Layers on maps stored as bf16: values and gradients of the host's f32, as far as bf16 can tell.
#include "layers/precision.h"

#include <catch2/catch.hpp>

#include "core/error.h"
#include "layers/activation.h"
#include "layers/add.h"
#include "layers/annealed_mean.h"
#include "layers/average_pool.h"
#include "layers/batch_norm.h"
#include "layers/bilinear_upsample.h"
#include "layers/blurred_euclidean.h"
#include "layers/cast.h"
#include "layers/concat.h"
#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/dropout.h"
#include "layers/fully_connected.h"
#include "layers/hypercolumn.h"
#include "layers/loss.h"
#include "layers/max_pool.h"
#include "layers/nearest_upsample.h"
#include "layers/scale.h"
#include "layers/stack.h"
#include "tests/check.h"

namespace tinct {
namespace {

using test::random_tensor;
using Values = std::vector<Value>;
using Layer = std::function<Value(const Values&)>;

constexpr Mode kTraining{.training = true, .seed = 7, .step = 3};
constexpr double kTolerance = 0.02;  // of the largest number: a few roundings to 8 bits

// Empty when `layer`, of maps stored as bf16 on the device, has the values and gradients that it
// has of the same numbers in f32 on the host. The first `maps` inputs are stored as bf16, or all.
std::string check_bf16(const Layer& layer, const std::vector<Tensor>& inputs,
                       std::size_t maps = 99) {
  const PrecisionScope scope(Precision::bf16);
  bool narrow = true;
  const Layer with_casts = [&](const Values& given) {
    Values v = given;
    for (std::size_t i = 0; i < std::min(maps, v.size()); ++i) {
      v[i] = cast(v[i], DType::bf16);
      if (v[i].device() == Device::cpu) v[i] = cast(v[i], DType::f32);
    }
    const Value y = layer(v);
    narrow = narrow && (y.device() == Device::cpu || y.data().dtype() == DType::bf16);
    return cast(y, DType::f32);
  };
  const std::string text = test::check_on_device(with_casts, inputs, kTolerance);
  return text.empty() && !narrow ? "the result is not stored as bf16" : text;
}

TEST_CASE("casts pass numbers and gradients on", "[device]") {
  const Value x(Tensor::from({1, 1, 1, 3}, {1.5f, -2, 1 + 0x1p-9f}), true);
  const Value narrow = cast(x, DType::bf16);
  CHECK(narrow.data().bytes() == 6);
  const Value wide = cast(narrow, DType::f32);
  CHECK(test::difference(wide.data(), Tensor::from({1, 1, 1, 3}, {1.5f, -2, 1}), 0, 0) == "");
  wide.backward(Tensor::from({1, 1, 1, 3}, {1, 2, 3 + 0x1p-9f}));
  CHECK(test::difference(x.grad(), Tensor::from({1, 1, 1, 3}, {1, 2, 3}), 0, 0) == "");
  CHECK(cast(x.data(), DType::f32).f32() == x.data().f32());  // nothing to do, nothing copied
  CHECK_THROWS_WITH(narrow.add_grad(Tensor({1, 1, 1, 3})), Catch::Contains("bf16"));
}

TEST_CASE("precisions by name") {
  CHECK(find_precision("f32", Device::cpu) == Precision::f32);
  CHECK(find_precision("bf16", Device::gpu) == Precision::bf16);
  CHECK_THROWS_WITH(find_precision("bf16", Device::cpu), Catch::Contains("the CPU has f32"));
  CHECK(find_precision("tf32", Device::gpu) == Precision::tf32);
  CHECK_THROWS_WITH(find_precision("tf32", Device::cpu), Catch::Contains("the CPU has f32"));
  CHECK_THROWS_AS(find_precision("f16", Device::gpu), std::invalid_argument);
}

TEST_CASE("the host computes in f32 whatever is set, and has no bf16 kernels") {
  const PrecisionScope scope(Precision::bf16);
  const Value x(random_tensor({1, 4, 4, 3}, 1)), w(random_tensor({2, 3, 3, 3}, 2));
  CHECK(conv2d(x, w, {}, same_padding(3)).data().dtype() == DType::f32);
  CHECK_THROWS_AS(relu(cast(x, DType::bf16)), DeviceError);
}

TEST_CASE("convolutions in tf32 round what they multiply, and nothing else", "[device]") {
  const Tensor x = random_tensor({2, 6, 7, 8}, 1), w = random_tensor({12, 3, 3, 8}, 2);
  const Tensor turned = random_tensor({12, 4, 4, 8}, 3), bias = random_tensor({1, 1, 1, 12}, 4);
  const Layer layers[] = {
      [](const Values& v) { return conv2d(v[0], v[1], v[2], same_padding(3)); },
      [](const Values& v) { return conv_transpose2d(v[0], v[1], v[2], pytorch_transpose(2, 1)); }};
  for (const Layer& layer : layers) {
    const std::vector<Tensor> inputs = {x, &layer == layers ? w : turned, bias};
    CHECK(test::check_on_device(layer, inputs) == "");
    const PrecisionScope scope(Precision::tf32);
    CHECK(test::check_on_device(layer, inputs, 2e-3) == "");
    if (test::has_device()) CHECK(test::check_on_device(layer, inputs) != "");  // not f32
  }
}

TEST_CASE("elementwise layers in bf16", "[device]") {
  const Tensor a = random_tensor({2, 5, 7, 3}, 1), b = random_tensor({2, 5, 7, 3}, 2);
  const Tensor c = random_tensor({2, 5, 7, 8}, 3);
  CHECK(check_bf16([](const Values& v) { return leaky_relu(v[0]); }, {a}) == "");
  CHECK(check_bf16([](const Values& v) { return tanh(v[0]); }, {a}) == "");
  CHECK(check_bf16([](const Values& v) { return add(v[0], v[1], Activation::relu); }, {a, b}) ==
        "");
  CHECK(check_bf16([](const Values& v) { return add(v[0], v[0]); }, {a}) == "");
  CHECK(check_bf16([](const Values& v) { return scale(v[0], 1.5f); }, {a}) == "");
  CHECK(check_bf16([](const Values& v) { return concat(v); }, {a, c, b}) == "");
  CHECK(check_bf16([](const Values& v) { return dropout(v[0], 0.4f, kTraining, 1); }, {a}) == "");
  CHECK(check_bf16([](const Values& v) { return channel_dropout(v[0], 0.4f, kTraining, 1); },
                   {c}) == "");
  // With an f32 map among them.
  CHECK(check_bf16([](const Values& v) { return add(v[0], v[1]); }, {a, b}, 1) == "");
  CHECK(check_bf16([](const Values& v) { return concat(v); }, {a, c}, 1) == "");
}

TEST_CASE("pooling and resizing in bf16", "[device]") {
  const Tensor x = random_tensor({2, 9, 8, 5}, 1);
  const PoolWindow window{.kh = 3, .kw = 3, .stride_h = 2, .stride_w = 2};
  CHECK(check_bf16([&](const Values& v) { return max_pool(v[0], window); }, {x}) == "");
  CHECK(check_bf16([&](const Values& v) { return average_pool(v[0], window); }, {x}) == "");
  CHECK(check_bf16([](const Values& v) { return global_average_pool(v[0]); }, {x}) == "");
  CHECK(check_bf16([](const Values& v) { return bilinear_upsample(v[0], 18, 16); }, {x}) == "");
  CHECK(check_bf16([](const Values& v) { return nearest_upsample(v[0], 18, 16); }, {x}) == "");
}

TEST_CASE("layers with weights in bf16, their gradients in f32", "[device]") {
  const Tensor x = random_tensor({2, 6, 7, 5}, 1), b = random_tensor({1, 1, 1, 6}, 3);
  Conv2dOptions same = same_padding(3);
  same.activation = Activation::leaky_relu;
  // An f32 input is cast by the layer.
  for (const std::size_t maps : {0, 1}) {
    CHECK(check_bf16([&](const Values& v) { return conv2d(v[0], v[1], v[2], same); },
                     {x, random_tensor({6, 3, 3, 5}, 2), b}, maps) == "");
    CHECK(check_bf16([&](const Values& v) { return conv2d(v[0], v[1], {}, same); },
                     {random_tensor({2, 6, 7, 1}, 1), random_tensor({6, 3, 3, 1}, 2)}, maps) == "");
    CHECK(check_bf16(
              [](const Values& v) {
                return conv_transpose2d(v[0], v[1], v[2], pytorch_transpose(2, 1, 0));
              },
              {x, random_tensor({6, 4, 4, 5}, 2), b}, maps) == "");
  }
  CHECK(check_bf16([](const Values& v) { return fully_connected(v[0], v[1], v[2]); },
                   {random_tensor({3, 1, 1, 9}, 1), random_tensor({6, 1, 1, 9}, 2), b}, 1) == "");
  CHECK(check_bf16(
            [](const Values& v) {
              BatchNorm norm = make_batch_norm(5);
              norm.gamma = v[1], norm.beta = v[2];
              for (Value* running : {&norm.running_mean, &norm.running_var}) {
                *running = Value(running->data().to(v[0].device()));
              }
              return norm(v[0], kTraining, Activation::relu);
            },
            {x, random_tensor({1, 1, 1, 5}, 4), random_tensor({1, 1, 1, 5}, 5)}, 1) == "");
}

TEST_CASE("what has no bf16 takes it, in f32", "[device]") {
  const Tensor x = random_tensor({2, 8, 8, 2}, 1), target = random_tensor({2, 8, 8, 2}, 2);
  const auto there = [](const Tensor& t, const Values& v) { return t.to(v[0].device()); };
  const auto check_f32 = [](const Layer& layer, const std::vector<Tensor>& inputs) {
    const std::string text = check_bf16(layer, inputs, 1);
    return text == "the result is not stored as bf16" ? std::string() : text;
  };
  CHECK(check_f32([&](const Values& v) { return l2_loss(v[0], there(target, v)); }, {x}) == "");
  CHECK(check_f32([&](const Values& v) { return blurred_euclidean(v[0], there(target, v)); },
                  {x}) == "");
  CHECK(check_f32([&](const Values& v) { return stack({v[0], v[1]}); }, {x, target}) == "");
  CHECK(check_f32(
            [](const Values& v) {
              return hypercolumn_conv2d({v[0], v[1]}, v[2], {}, 8, 8, Align::half_pixel);
            },
            {x, random_tensor({2, 4, 4, 3}, 3), random_tensor({4, 3, 3, 5}, 4)}) == "");
}

}  // namespace
}  // namespace tinct
