// Convolution forward and its data gradient: examples, parity with the plain reference, packed
// weights, threads.
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/threads.h"
#include "tests/check.h"
#include "tests/kernels/conv_row.h"
#include "tests/same_bits.h"

using namespace tinct;
using namespace tinct::test;

namespace {

constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::leaky_relu,
                                       Activation::sigmoid, Activation::tanh};

const ConvRow kRows[] = {
    // n  h   w   c   k  kh kw s d  padding
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},       // the smallest
    {1, 1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1},       // every tap but one in the padding
    {2, 2, 2, 7, 31, 3, 3, 1, 1, 1, 1, 1, 1},      // narrower than a tile
    {1, 7, 7, 31, 33, 3, 3, 1, 1, 1, 1, 1, 1},     // odd channels
    {1, 31, 33, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1},   // whole panels
    {1, 33, 31, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1},    // the first layer of VGG16
    {2, 32, 33, 1, 32, 3, 3, 2, 1, 1, 1, 1, 1},    // the stem of a U-Net
    {1, 33, 32, 33, 17, 3, 3, 2, 1, 0, 0, 1, 1},   // TensorFlow's SAME with a stride
    {1, 16, 16, 64, 128, 4, 4, 2, 1, 1, 1, 1, 1},  // pix2pix
    {1, 31, 29, 32, 2, 1, 1, 1, 1, 0, 0, 0, 0},    // heads
    {2, 9, 33, 64, 2, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 14, 15, 67, 3, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 8, 19, 40, 5, 3, 3, 2, 1, 1, 1, 1, 1},
    {1, 7, 9, 16, 1, 5, 5, 1, 1, 2, 2, 2, 2},
    {1, 12, 13, 3, 2, 3, 3, 1, 1, 1, 1, 1, 1},
    {3, 7, 7, 64, 48, 1, 1, 1, 1, 0, 0, 0, 0},    // 1x1: pixels of all rows are one
    {1, 13, 13, 16, 24, 1, 1, 2, 1, 0, 0, 0, 0},  // inputs that no output reads
    {1, 9, 9, 8, 8, 1, 1, 1, 1, 2, 1, 0, 3},      // 1x1 with padding
    {1, 31, 31, 5, 9, 7, 7, 2, 1, 3, 3, 3, 3},    // ResNet's first layer
    {1, 17, 17, 8, 40, 3, 3, 1, 2, 2, 2, 2, 2},   // dilation
    {1, 19, 18, 16, 3, 3, 3, 2, 2, 2, 2, 2, 2},   // dilation and stride share a factor
    {1, 20, 23, 17, 16, 4, 3, 2, 3, 3, 1, 0, 4},  // and do not
    {1, 10, 10, 4, 6, 2, 2, 3, 1, 0, 0, 0, 0},    // a stride larger than the kernel
    {1, 3, 5, 2, 3, 3, 3, 1, 1, 5, 4, 6, 7},      // padding larger than the kernel
    {1, 1, 40, 6, 6, 1, 9, 1, 1, 0, 4, 0, 4},     // one row
    {1, 40, 1, 6, 6, 9, 1, 4, 1, 4, 0, 4, 0},     // one column
    {1, 4, 4, 256, 64, 3, 3, 1, 1, 1, 1, 1, 1},   // deep and small
    {1, 3, 301, 64, 3, 3, 3, 1, 1, 1, 1, 1, 1},   // calls of many tiles, few outputs
    {2, 2, 405, 3, 40, 3, 3, 1, 1, 1, 1, 1, 1},   // and few inputs
};

std::string name(const Conv2dShape& s) {
  const auto text = [](std::size_t v) { return std::to_string(v) + " "; };
  return "x " + text(s.n) + text(s.h) + text(s.w) + text(s.c) + "w " + text(s.k) + text(s.kh) +
         text(s.kw) + "stride " + text(s.stride_h) + text(s.stride_w) + "dilation " +
         text(s.dilation_h) + text(s.dilation_w) + "pad " + text(s.pad_top) + text(s.pad_left) +
         text(s.pad_bottom) + text(s.pad_right);
}

// A tensor whose every element a kernel must overwrite.
Tensor unset(Shape shape) {
  return Tensor::full(shape, std::numeric_limits<float>::quiet_NaN());
}

// The arrays of one convolution.
struct Arrays {
  explicit Arrays(const Conv2dShape& shape, std::uint64_t seed = 1)
      : s(shape),
        x(random_tensor({s.n, s.h, s.w, s.c}, seed)),
        w(random_tensor({s.k, s.kh, s.kw, s.c}, seed + 1)),
        bias(random_tensor({1, 1, 1, s.k}, seed + 2)),
        dy(random_tensor({s.n, s.oh(), s.ow(), s.k}, seed + 3)) {}

  Tensor forward(Activation activation = Activation::none, bool with_bias = true) const {
    Tensor y = unset(dy.shape());
    cpu::conv2d(s, x.f32(), w.f32(), with_bias ? bias.f32() : nullptr, activation, y.f32());
    return y;
  }
  Tensor forward_ref(Activation activation = Activation::none, bool with_bias = true) const {
    Tensor y = unset(dy.shape());
    ref::conv2d(s, x.f32(), w.f32(), with_bias ? bias.f32() : nullptr, activation, y.f32());
    return y;
  }
  Tensor backward_data() const {
    Tensor dx = unset(x.shape());
    cpu::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
    return dx;
  }
  Tensor backward_data_ref() const {
    Tensor dx = unset(x.shape());
    ref::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
    return dx;
  }

  Conv2dShape s;
  Tensor x, w, bias, dy;
};

// A sum of `terms` products of numbers up to one, each rounded.
double tolerance(std::size_t terms) {
  return 1e-6 * (1 + 0.1 * static_cast<double>(terms));
}

struct Threads {
  explicit Threads(int count) : before(threads()) { set_threads(count); }
  ~Threads() { set_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("conv2d: an example", "[conv2d]") {
  Conv2dShape s{.h = 3, .w = 3, .kh = 2, .kw = 2};
  const Tensor x = Tensor::from({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor w = Tensor::from({1, 2, 2, 1}, {1, 10, 100, 1000});
  const float bias = 0.5f;
  Tensor y({1, 2, 2, 1});
  cpu::conv2d(s, x.f32(), w.f32(), &bias, Activation::none, y.f32());
  CHECK(difference(y, Tensor::from({1, 2, 2, 1}, {5421.5, 6532.5, 8754.5, 9865.5}), 0, 0) == "");

  s.pad_top = s.pad_left = 1;  // one row above, one column to the left
  Tensor padded({1, 3, 3, 1});
  cpu::conv2d(s, x.f32(), w.f32(), nullptr, Activation::none, padded.f32());
  CHECK(
      difference(padded,
                 Tensor::from({1, 3, 3, 1}, {1000, 2100, 3200, 4010, 5421, 6532, 7040, 8754, 9865}),
                 0, 0) == "");
}

TEST_CASE("conv2d_backward_data: an example", "[conv2d]") {
  const Conv2dShape s{.h = 1, .w = 4, .kh = 1, .kw = 2, .stride_w = 2};
  const Tensor w = Tensor::from({1, 1, 2, 1}, {2, 3});
  const Tensor dy = Tensor::from({1, 1, 2, 1}, {1, 10});
  Tensor dx({1, 1, 4, 1});
  cpu::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
  CHECK(difference(dx, Tensor::from({1, 1, 4, 1}, {2, 3, 20, 30}), 0, 0) == "");
}

TEST_CASE("conv2d: parity with the reference", "[conv2d]") {
  for (const ConvRow& row : kRows) {
    const Arrays a(row.shape());
    INFO(name(a.s));
    const double most = tolerance(a.s.kh * a.s.kw * a.s.c);
    for (const Activation activation : kActivations) {
      INFO("activation " << static_cast<int>(activation));
      CHECK(difference(a.forward(activation), a.forward_ref(activation), 0, most) == "");
    }
    CHECK(difference(a.forward(Activation::none, false), a.forward_ref(Activation::none, false), 0,
                     most) == "");
  }
}

TEST_CASE("conv2d_backward_data: parity with the reference", "[conv2d]") {
  for (const ConvRow& row : kRows) {
    const Arrays a(row.shape());
    INFO(name(a.s));
    CHECK(difference(a.backward_data(), a.backward_data_ref(), 0,
                     tolerance(a.s.kh * a.s.kw * a.s.k)) == "");
  }
}

TEST_CASE("conv2d: parity at drawn shapes", "[conv2d]") {
  const Random random(7, Purpose::test);
  std::uint64_t index = 0;
  const auto draw = [&](std::size_t from, std::size_t to) {
    return from + random.below(index++, static_cast<std::uint32_t>(to - from + 1));
  };
  for (int i = 0; i < 150; ++i) {
    Conv2dShape s;
    s.n = draw(1, 2);
    s.h = draw(1, 20);
    s.w = draw(1, 36);
    s.c = draw(1, 40);
    s.k = draw(1, 40);
    s.kh = draw(1, 4);
    s.kw = draw(1, 4);
    s.stride_h = draw(1, 3);
    s.stride_w = draw(1, 3);
    s.dilation_h = draw(1, 3);
    s.dilation_w = draw(1, 3);
    s.pad_top = draw(0, 4);
    s.pad_left = draw(0, 4);
    s.pad_bottom = draw(0, 4);
    s.pad_right = draw(0, 4);
    if (s.h + s.pad_top + s.pad_bottom < s.dilation_h * (s.kh - 1) + 1) continue;
    if (s.w + s.pad_left + s.pad_right < s.dilation_w * (s.kw - 1) + 1) continue;
    INFO(name(s));
    const Arrays a(s, 100 + static_cast<std::uint64_t>(i));
    const Activation activation = kActivations[i % 5];
    CHECK(difference(a.forward(activation), a.forward_ref(activation), 0,
                     tolerance(s.kh * s.kw * s.c)) == "");
    CHECK(difference(a.backward_data(), a.backward_data_ref(), 0, tolerance(s.kh * s.kw * s.k)) ==
          "");
  }
}

TEST_CASE("conv2d: the check fails on one wrong tap of one pixel", "[conv2d]") {
  const Arrays a(kRows[3].shape());
  const double most = tolerance(a.s.kh * a.s.kw * a.s.c);
  Tensor y = a.forward();
  REQUIRE(difference(y, a.forward_ref(), 0, most) == "");
  // As if the last pixel's last channel had missed its last input.
  y.f32()[y.size() - 1] += a.w.f32()[a.w.size() - 1] * 0.01f;
  CHECK(difference(y, a.forward_ref(), 0, most) != "");
  CHECK(difference(unset(y.shape()), a.forward_ref(), 0, most) != "");
}

TEST_CASE("conv2d: packed weights give the same bits at any image size", "[conv2d]") {
  for (const ConvRow& row : kRows) {
    const Arrays a(row.shape());
    INFO(name(a.s));
    Conv2dShape other = a.s;  // packed for another batch, size and padding
    other.n += 1;
    other.h += 11;
    other.pad_left += 1;
    const cpu::PackedWeights forward = cpu::pack_weights(other, a.w.f32());
    Tensor y = unset(a.dy.shape());
    cpu::conv2d(a.s, a.x.f32(), forward, a.bias.f32(), Activation::relu, y.f32());
    CHECK(same_bits(y, a.forward(Activation::relu)));
    const cpu::PackedWeights backward = cpu::pack_weights_backward_data(other, a.w.f32());
    Tensor dx = unset(a.x.shape());
    cpu::conv2d_backward_data(a.s, a.dy.f32(), backward, dx.f32());
    CHECK(same_bits(dx, a.backward_data()));
  }
}

TEST_CASE("conv2d: refuses what does not fit", "[conv2d]") {
  const Arrays a(kRows[3].shape());
  Tensor y(a.dy.shape()), dx(a.x.shape());
  const auto run = [&](const Conv2dShape& s, const cpu::PackedWeights& w) {
    cpu::conv2d(s, a.x.f32(), w, nullptr, Activation::none, y.f32());
  };
  const cpu::PackedWeights forward = cpu::pack_weights(a.s, a.w.f32());
  CHECK_NOTHROW(run(a.s, forward));
  CHECK_THROWS_AS(run(a.s, cpu::PackedWeights()), std::invalid_argument);
  CHECK_THROWS_AS(run(a.s, cpu::pack_weights_backward_data(a.s, a.w.f32())), std::invalid_argument);
  CHECK_THROWS_AS(cpu::conv2d_backward_data(a.s, a.dy.f32(), forward, dx.f32()),
                  std::invalid_argument);
  Conv2dShape wrong = a.s;
  wrong.c -= 1;
  CHECK_THROWS_AS(run(wrong, forward), std::invalid_argument);
  wrong = a.s;
  wrong.kh = 20;
  CHECK_THROWS_AS(cpu::conv2d(wrong, a.x.f32(), a.w.f32(), nullptr, Activation::none, y.f32()),
                  std::invalid_argument);
}

TEST_CASE("conv2d: the same bits for any number of threads", "[conv2d]") {
  for (const ConvRow& row : kRows) {
    const Arrays a(row.shape());
    INFO(name(a.s));
    std::vector<Tensor> y, dx;
    for (const int count : {1, 2, 3, 7}) {
      const Threads scope(count);
      y.push_back(a.forward(Activation::tanh));
      dx.push_back(a.backward_data());
      CHECK(same_bits(y.back(), y.front()));
      CHECK(same_bits(dx.back(), dx.front()));
    }
  }
}

TEST_CASE("conv2d: NaN in an input reaches the outputs that read it", "[conv2d]") {
  Arrays a(ConvRow{1, 5, 40, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
  a.x.f32()[(2 * 40 + 20) * 32] = std::numeric_limits<float>::quiet_NaN();
  for (const Activation activation : kActivations) {
    const Tensor y = a.forward(activation);
    for (std::size_t pixel = 0; pixel < 5 * 40; ++pixel) {
      const std::size_t row = pixel / 40, column = pixel % 40;
      const bool reads = row >= 1 && row <= 3 && column >= 19 && column <= 21;
      const float v = y.f32()[pixel * 32];
      INFO("row " << row << ", column " << column);
      CHECK((v != v) == reads);
    }
  }
}
