// Convolution, transposed convolution and fully connected layers: PyTorch's numbers, gradients,
// padding, frozen weights, refusals.
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "core/memory.h"
#include "core/safetensors.h"
#include "layers/conv2d.h"
#include "layers/conv_transpose2d.h"
#include "layers/fully_connected.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::check_gradients;
using test::difference;
using test::random_tensor;
using Operation = std::function<Value(const Value& x, const Value& w, const Value& b)>;

struct Case {
  std::string name;
  Operation operation;
};

Operation conv(const Conv2dOptions& options) {
  return [options](const Value& x, const Value& w, const Value& b) {
    return conv2d(x, w, b, options);
  };
}

Operation conv(Conv2dOptions options, Activation activation) {
  options.activation = activation;
  return conv(options);
}

Operation transposed(const ConvTranspose2dOptions& options) {
  return [options](const Value& x, const Value& w, const Value& b) {
    return conv_transpose2d(x, w, b, options);
  };
}

const Case kCases[] = {
    {"same", conv(same_padding(3))},
    {"stride", conv(same_padding(3, 2))},
    {"tensorflow", conv(tensorflow_same(8, 10, 3, 2))},
    {"dilated", conv({.dilation_h = 2,
                      .dilation_w = 3,
                      .pad_top = 2,
                      .pad_left = 2,
                      .pad_bottom = 2,
                      .pad_right = 3})},
    {"pointwise", conv({}, Activation::relu)},
    {"sigmoid", conv(same_padding(3), Activation::sigmoid)},
    {"leaky", conv(same_padding(3), Activation::leaky_relu)},
    {"tanh", conv(same_padding(4, 2), Activation::tanh)},
    {"pytorch3", transposed(pytorch_transpose(2, 1, 1))},
    {"pytorch4", transposed(pytorch_transpose(2, 1))},
    {"keras3", transposed(keras_same_transpose(3, 2))},
    {"keras2", transposed(keras_same_transpose(2, 2))},
    {"keras5", transposed(keras_same_transpose(5, 2))},
};

TEST_CASE("convolutions agree with PyTorch, forward and backward", "[conv]") {
  const SafetensorsFile golden(TINCT_SOURCE_DIR "/tests/golden/conv.safetensors");
  for (const Case& c : kCases) {
    INFO(c.name);
    const auto load = [&](const char* key) { return golden.load(c.name + "." + key); };
    const Value x(load("x"), true);
    const Value w(load("w"), true);
    const Value b(load("b"), true);
    Value y = c.operation(x, w, b);
    CHECK(difference(y.data(), load("y"), 1e-5, 1e-5) == "");
    y.backward(load("dy"));
    CHECK(difference(x.grad(), load("dx"), 1e-5, 2e-5) == "");
    CHECK(difference(w.grad(), load("dw"), 1e-5, 2e-5) == "");
    CHECK(difference(b.grad(), load("db"), 1e-5, 2e-5) == "");
  }
}

TEST_CASE("gradients of convolutions by central differences", "[conv]") {
  const auto check = [](const Operation& operation, Shape x, Shape w) {
    return check_gradients(
        [&](const auto& in) { return operation(in[0], in[1], in[2]); },
        {random_tensor(x, 1), random_tensor(w, 2), random_tensor({1, 1, 1, w.n}, 3)});
  };
  CHECK(check(conv(same_padding(3, 2)), {2, 5, 6, 3}, {4, 3, 3, 3}) == "");
  CHECK(check(conv(same_padding(3, 1, 2), Activation::tanh), {1, 6, 5, 2}, {3, 3, 3, 2}) == "");
  CHECK(check(conv(tensorflow_same(6, 7, 4), Activation::sigmoid), {1, 6, 7, 2}, {3, 4, 4, 2}) ==
        "");
  CHECK(check(transposed(pytorch_transpose(2, 1, 1)), {1, 3, 4, 3}, {2, 3, 3, 3}) == "");
  CHECK(check(transposed(keras_same_transpose(3, 2)), {1, 3, 4, 3}, {2, 3, 3, 3}) == "");
  CHECK(check([](const Value& x, const Value& w,
                 const Value& b) { return fully_connected(x, w, b, Activation::tanh); },
              {3, 2, 1, 5}, {4, 1, 1, 10}) == "");
}

TEST_CASE("padding of strided kernels", "[conv]") {
  // TensorFlow puts the odd row at the end: kernel 3 at stride 2 on an even extent is (0, 1).
  const Conv2dOptions tf = tensorflow_same(8, 9, 3, 2);
  CHECK((tf.pad_top == 0 && tf.pad_bottom == 1 && tf.pad_left == 1 && tf.pad_right == 1));
  const Conv2dOptions even = tensorflow_same(8, 8, 4);
  CHECK((even.pad_top == 1 && even.pad_bottom == 2));
  const Conv2dOptions dilated = same_padding(3, 1, 4);
  CHECK((dilated.pad_top == 4 && dilated.pad_bottom == 4));
  CHECK_THROWS_AS(same_padding(4), std::invalid_argument);
  CHECK_THROWS_AS(same_padding(0), std::invalid_argument);
  CHECK_THROWS_AS(tensorflow_same(0, 8, 3), std::invalid_argument);
  // Keras' "same" gives stride times the input, kernels smaller than the stride too.
  const Value x(random_tensor({1, 3, 5, 2}, 1));
  for (const std::size_t kernel : {1, 2, 3, 4, 5}) {
    for (const std::size_t stride : {1, 2, 3}) {
      const Value w(random_tensor({4, kernel, kernel, 2}, 2));
      const Value y = conv_transpose2d(x, w, {}, keras_same_transpose(kernel, stride));
      CHECK(y.shape() == Shape{1, 3 * stride, 5 * stride, 4});
    }
  }
}

TEST_CASE("transposed convolution by hand: cropped at the start or at the end", "[conv]") {
  const Value x(Tensor::from({1, 1, 2, 1}, {1, 2}));
  const Value w(Tensor::from({1, 1, 3, 1}, {10, 20, 30}));
  // The full output is 10 20 30+20 40 60.
  const Tensor full = conv_transpose2d(x, w, {}, {.stride_w = 2}).data();
  CHECK(difference(full, Tensor::from({1, 1, 5, 1}, {10, 20, 50, 40, 60}), 0, 0) == "");
  const Tensor pytorch =
      conv_transpose2d(x, w, {},
                       {.stride_w = 2, .crop_left = 1, .crop_right = 1, .output_pad_w = 1})
          .data();
  CHECK(difference(pytorch, Tensor::from({1, 1, 4, 1}, {20, 50, 40, 60}), 0, 0) == "");
  const Tensor keras = conv_transpose2d(x, w, {}, {.stride_w = 2, .crop_right = 1}).data();
  CHECK(difference(keras, Tensor::from({1, 1, 4, 1}, {10, 20, 50, 40}), 0, 0) == "");
}

TEST_CASE("what needs no gradient gets none", "[conv]") {
  const Value x(random_tensor({1, 4, 4, 2}, 1));
  const Value w(random_tensor({3, 3, 3, 2}, 2), true);
  const Value frozen(random_tensor({3, 3, 3, 3}, 3));
  const Value b(random_tensor({1, 1, 1, 3}, 4), true);
  conv2d(conv2d(x, w, {}, same_padding(3)), frozen, b, same_padding(3)).backward();
  CHECK(!x.has_grad());
  CHECK(w.has_grad());
  CHECK(!frozen.has_grad());
  CHECK(b.has_grad());
  CHECK(!conv2d(x, Value(random_tensor({3, 3, 3, 2}, 5)), {}).requires_grad());
}

TEST_CASE("convolutions refuse shapes that do not fit", "[conv]") {
  const Value x(random_tensor({1, 4, 4, 2}, 1));
  const Value w(random_tensor({3, 3, 3, 2}, 2));
  const Value other(random_tensor({3, 3, 3, 5}, 2));
  const Value large(random_tensor({3, 7, 7, 2}, 2));
  const Value bias(random_tensor({1, 1, 1, 2}, 2));
  CHECK_THROWS_AS(conv2d(x, other, {}), std::invalid_argument);
  CHECK_THROWS_AS(conv2d(x, large, {}), std::invalid_argument);
  CHECK_THROWS_AS(conv2d(x, w, bias), std::invalid_argument);
  CHECK_THROWS_AS(conv2d(x, w, {}, {.stride_h = 0}), std::invalid_argument);
  CHECK_THROWS_AS(conv_transpose2d(x, other, {}), std::invalid_argument);
  CHECK_THROWS_AS(conv_transpose2d(x, w, bias), std::invalid_argument);
  CHECK_THROWS_AS(conv_transpose2d(x, w, {}, {.crop_top = 6}), std::invalid_argument);
  CHECK_THROWS_AS(conv_transpose2d(x, w, {}, {.output_pad_h = 1}), std::invalid_argument);
  CHECK_THROWS_AS(fully_connected(x, w, {}), std::invalid_argument);
  CHECK_THROWS_AS(fully_connected(x, Value(random_tensor({3, 1, 1, 31}, 1)), {}),
                  std::invalid_argument);
}

TEST_CASE("the packing of weights that nobody trains is kept until they change") {
  const Value x(random_tensor({1, 9, 10, 8}, 1));
  Value frozen(random_tensor({16, 3, 3, 8}, 2)), trained(frozen.data().clone(), true);
  const auto check = [&](const Conv2dOptions& options) {
    CHECK(test::same_bits(conv2d(x, frozen, {}, options).data(),
                          conv2d(x, trained, {}, options).data()));
  };
  check(same_padding(3));
  CHECK(frozen.kept().has_value());
  CHECK_FALSE(trained.kept().has_value());
  const std::size_t in_use = memory_use().in_use;
  check(same_padding(3));
  CHECK(memory_use().in_use == in_use);
  check(same_padding(3, 2));  // packed anew for another stride
  check(same_padding(3));

  for (Value* w : {&frozen, &trained}) w->mutable_data().fill(0.5f);
  CHECK_FALSE(frozen.kept().has_value());
  check(same_padding(3));
  frozen.set_requires_grad(true);  // from now on an optimizer writes its numbers
  CHECK_FALSE(frozen.kept().has_value());
  frozen.set_requires_grad(false);
  check(same_padding(3));
  Value other(frozen);
  other.mutable_data() = random_tensor({16, 3, 3, 8}, 3);
  trained.mutable_data() = other.data().clone();
  check(same_padding(3));
}

}  // namespace
}  // namespace tinct
