// The weight gradient of convolution: example, parity with the plain reference, rounding, threads.
#include <catch2/catch.hpp>
#include <cstring>

#include "core/threads.h"
#include "kernels/conv/conv2d.h"
#include "tests/check.h"

using namespace tinct;
using namespace tinct::test;

namespace {

using Gradient = void (*)(const Conv2dShape&, const float*, const float*, float*, float*);

struct Gradients {
  Tensor dw, db;
};

Gradients gradients_of(Gradient gradient, const Conv2dShape& s, const Tensor& x, const Tensor& dy) {
  Gradients g{Tensor({s.k, s.kh, s.kw, s.c}), Tensor({1, 1, 1, s.k})};
  g.dw.fill(1e30f);
  g.db.fill(1e30f);
  gradient(s, x.f32(), dy.f32(), g.dw.f32(), g.db.f32());
  return g;
}

Tensor input_of(const Conv2dShape& s) {
  return random_tensor({s.n, s.h, s.w, s.c}, 1);
}

Tensor output_gradient_of(const Conv2dShape& s) {
  return random_tensor({s.n, s.oh(), s.ow(), s.k}, 2);
}

// n, h, w, c, k, kh, kw, stride, dilation, pad top, left, bottom, right
const Conv2dShape kShapes[] = {
    {.c = 1, .k = 1},
    {.n = 1, .h = 7, .w = 7, .c = 1, .k = 1, .kh = 7, .kw = 7},
    {.n = 2,
     .h = 7,
     .w = 5,
     .c = 3,
     .k = 2,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 3,
     .h = 31,
     .w = 33,
     .c = 1,
     .k = 32,
     .kh = 3,
     .kw = 3,
     .stride_h = 2,
     .stride_w = 2,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1,
     .h = 32,
     .w = 32,
     .c = 3,
     .k = 64,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 2,
     .h = 17,
     .w = 19,
     .c = 5,
     .k = 33,
     .kh = 3,
     .kw = 3,
     .dilation_h = 2,
     .dilation_w = 3,
     .pad_top = 2,
     .pad_left = 3,
     .pad_bottom = 2,
     .pad_right = 3},
    {.n = 2,
     .h = 9,
     .w = 9,
     .c = 31,
     .k = 31,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1,
     .h = 33,
     .w = 31,
     .c = 33,
     .k = 7,
     .kh = 2,
     .kw = 5,
     .stride_h = 1,
     .stride_w = 3,
     .pad_top = 0,
     .pad_left = 4,
     .pad_bottom = 1,
     .pad_right = 0},
    {.n = 9,
     .h = 4,
     .w = 4,
     .c = 70,
     .k = 130,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 70, .h = 1, .w = 1, .c = 40, .k = 20},
    {.n = 1, .h = 1, .w = 70, .c = 129, .k = 65},
    {.n = 2,
     .h = 40,
     .w = 40,
     .c = 64,
     .k = 2,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1,
     .h = 24,
     .w = 24,
     .c = 64,
     .k = 64,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 2,
     .h = 16,
     .w = 16,
     .c = 128,
     .k = 160,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1,
     .h = 16,
     .w = 16,
     .c = 16,
     .k = 24,
     .kh = 4,
     .kw = 4,
     .stride_h = 2,
     .stride_w = 2,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1,
     .h = 3,
     .w = 1000,
     .c = 2,
     .k = 9,
     .kh = 3,
     .kw = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.n = 1, .h = 5, .w = 900, .c = 20, .k = 18, .kh = 1, .kw = 3, .pad_left = 1, .pad_right = 1},
    // More padding than kernel: some outputs see zeros only.
    {.n = 1,
     .h = 3,
     .w = 3,
     .c = 17,
     .k = 3,
     .kh = 2,
     .kw = 2,
     .pad_top = 4,
     .pad_left = 5,
     .pad_bottom = 3,
     .pad_right = 4},
    // The stride leaves rows and columns of the input unread.
    {.n = 2, .h = 10, .w = 11, .c = 18, .k = 16, .kh = 1, .kw = 1, .stride_h = 4, .stride_w = 3},
};

}  // namespace

TEST_CASE("conv2d weight gradient: an example", "[conv2d]") {
  // x is 1 2 3 4, the kernel has two taps, dy is 1 10 100.
  const Conv2dShape s{.w = 4, .kw = 2};
  const float x[] = {1, 2, 3, 4};
  const float dy[] = {1, 10, 100};
  float dw[2];
  float db;
  for (const Gradient gradient : {ref::conv2d_backward_weights, cpu::conv2d_backward_weights}) {
    gradient(s, x, dy, dw, &db);
    CHECK(dw[0] == 1 + 20 + 300);
    CHECK(dw[1] == 2 + 30 + 400);
    CHECK(db == 111);
  }
}

TEST_CASE("conv2d weight gradient: parity with the reference", "[conv2d]") {
  for (const Conv2dShape& s : kShapes) {
    INFO("c " << s.c << ", k " << s.k << ", " << s.h << "x" << s.w << ", kernel " << s.kh << "x"
              << s.kw);
    const Tensor x = input_of(s);
    const Tensor dy = output_gradient_of(s);
    const Gradients expected = gradients_of(ref::conv2d_backward_weights, s, x, dy);
    const Gradients got = gradients_of(cpu::conv2d_backward_weights, s, x, dy);
    CHECK(difference(got.dw, expected.dw, 1e-5, 1e-4) == "");
    CHECK(relative_error(got.dw, expected.dw, 2e-6) == "");
    CHECK(difference(got.db, expected.db, 1e-5, 1e-4) == "");
    Tensor dw(got.dw.shape());
    cpu::conv2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), nullptr);
    CHECK(std::memcmp(dw.f32(), got.dw.f32(), dw.bytes()) == 0);
  }
}

TEST_CASE("conv2d weight gradient: long sums keep their precision", "[conv2d]") {
  const Conv2dShape s{.n = 2, .h = 300, .w = 333, .c = 16, .k = 8};
  Tensor x = input_of(s);
  for (std::size_t i = 0; i < x.size(); ++i) x.f32()[i] += 1;  // all of one sign
  Tensor dy = output_gradient_of(s);
  for (std::size_t i = 0; i < dy.size(); ++i) dy.f32()[i] += 1;
  const Gradients expected = gradients_of(ref::conv2d_backward_weights, s, x, dy);
  const Gradients got = gradients_of(cpu::conv2d_backward_weights, s, x, dy);
  CHECK(relative_error(got.dw, expected.dw, 1e-6) == "");
  CHECK(relative_error(got.db, expected.db, 1e-6) == "");
}

TEST_CASE("conv2d weight gradient: the same bits for any thread count", "[conv2d]") {
  const int before = threads();
  for (const Conv2dShape& s : kShapes) {
    const Tensor x = input_of(s);
    const Tensor dy = output_gradient_of(s);
    set_threads(1);
    const Gradients one = gradients_of(cpu::conv2d_backward_weights, s, x, dy);
    for (const int count : {2, 5}) {
      set_threads(count);
      const Gradients many = gradients_of(cpu::conv2d_backward_weights, s, x, dy);
      CHECK(std::memcmp(one.dw.f32(), many.dw.f32(), one.dw.bytes()) == 0);
      CHECK(std::memcmp(one.db.f32(), many.db.f32(), one.db.bytes()) == 0);
    }
  }
  set_threads(before);
}

TEST_CASE("conv2d weight gradient: the check fails on one wrong pixel, and zeros are refused",
          "[conv2d]") {
  Conv2dShape s = kShapes[6];
  const Tensor x = input_of(s);
  Tensor dy = output_gradient_of(s);
  const Gradients expected = gradients_of(ref::conv2d_backward_weights, s, x, dy);
  dy.f32()[dy.size() / 2] += 0.01f;
  const Gradients wrong = gradients_of(cpu::conv2d_backward_weights, s, x, dy);
  CHECK(difference(wrong.dw, expected.dw, 1e-5, 1e-4) != "");
  CHECK(difference(wrong.db, expected.db, 1e-5, 1e-4) != "");
  s.stride_w = 0;
  Tensor dw = expected.dw.clone();
  CHECK_THROWS_AS(cpu::conv2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), nullptr),
                  std::invalid_argument);
}
