// The weight gradient of convolution: example, parity with the plain reference, rounding, threads.
#include <catch2/catch.hpp>
#include <cstring>

#include "core/threads.h"
#include "tests/check.h"
#include "tests/kernels/conv_row.h"

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

const ConvRow kRows[] = {
    // n  h   w   c   k  kh kw s d  padding
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    {1, 7, 7, 1, 1, 7, 7, 1, 1, 0, 0, 0, 0},
    {2, 7, 5, 3, 2, 3, 3, 1, 1, 1, 1, 1, 1},
    {3, 31, 33, 1, 32, 3, 3, 2, 1, 1, 1, 1, 1},
    {1, 32, 32, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1},
    {2, 17, 19, 5, 33, 3, 3, 1, 2, 2, 3, 2, 3, 0, 3},
    {2, 9, 9, 31, 31, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 33, 31, 33, 7, 2, 5, 1, 1, 0, 4, 1, 0, 3},
    {9, 4, 4, 70, 130, 3, 3, 1, 1, 1, 1, 1, 1},
    {70, 1, 1, 40, 20, 1, 1, 1, 1, 0, 0, 0, 0},
    {1, 1, 70, 129, 65, 1, 1, 1, 1, 0, 0, 0, 0},
    {2, 40, 40, 64, 2, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 24, 24, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1},
    {2, 16, 16, 128, 160, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 16, 16, 16, 24, 4, 4, 2, 1, 1, 1, 1, 1},
    {1, 3, 1000, 2, 9, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 5, 900, 20, 18, 1, 3, 1, 1, 0, 1, 0, 1},
    {1, 3, 3, 17, 3, 2, 2, 1, 1, 4, 5, 3,
     4},  // more padding than kernel: some outputs see zeros only
    {2, 10, 11, 18, 16, 1, 1, 4, 1, 0, 0, 0, 0,
     3},  // the stride leaves rows and columns of the input unread
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
  for (const ConvRow& row : kRows) {
    const Conv2dShape s = row.shape();
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
  for (const ConvRow& row : kRows) {
    const Conv2dShape s = row.shape();
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
  Conv2dShape s = kRows[6].shape();
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
