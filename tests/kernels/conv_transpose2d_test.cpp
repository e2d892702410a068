// Transposed convolution: parity with the plain reference, threads, refusals.
#include <catch2/catch.hpp>

#include "kernels/conv_transpose2d.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::difference;
using test::random_tensor;

const ConvTranspose2dShape kShapes[] = {
    {},
    {.n = 2,
     .h = 7,
     .w = 5,
     .c = 3,
     .k = 2,
     .kh = 3,
     .kw = 3,
     .stride_h = 2,
     .stride_w = 2,
     .crop_top = 1,
     .crop_left = 1,
     .crop_bottom = 1,
     .crop_right = 1,
     .output_pad_h = 1,
     .output_pad_w = 1},
    {.n = 1,
     .h = 8,
     .w = 9,
     .c = 33,
     .k = 31,
     .kh = 4,
     .kw = 4,
     .stride_h = 2,
     .stride_w = 2,
     .crop_top = 1,
     .crop_left = 1,
     .crop_bottom = 1,
     .crop_right = 1},
    {.n = 1,
     .h = 3,
     .w = 4,
     .c = 7,
     .k = 32,
     .kh = 2,
     .kw = 3,
     .stride_h = 3,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 2,
     .crop_left = 2,
     .output_pad_h = 2},
    // Pixels that no tap reaches hold the bias alone.
    {.n = 2, .h = 4, .w = 4, .c = 5, .k = 6, .kh = 1, .kw = 1, .stride_h = 3, .stride_w = 2},
    // More output padding than cropping.
    {.n = 1,
     .h = 4,
     .w = 3,
     .c = 17,
     .k = 9,
     .kh = 3,
     .kw = 3,
     .stride_h = 4,
     .stride_w = 4,
     .crop_top = 2,
     .crop_bottom = 1,
     .output_pad_h = 3,
     .output_pad_w = 3},
};

// Every result of one implementation, one after the other.
struct Results {
  Tensor y, dx, dw, db;
};

template <class Forward, class Data, class Weights>
Results run(const ConvTranspose2dShape& s, Activation activation, Forward forward, Data data,
            Weights weights) {
  const Tensor x = random_tensor({s.n, s.h, s.w, s.c}, 1);
  const Tensor w = random_tensor({s.k, s.kh, s.kw, s.c}, 2);
  const Tensor bias = random_tensor({1, 1, 1, s.k}, 3);
  const Tensor dy = random_tensor({s.n, s.oh(), s.ow(), s.k}, 4);
  Results r{Tensor(dy.shape()), Tensor(x.shape()), Tensor(w.shape()), Tensor(bias.shape())};
  for (Tensor* t : {&r.y, &r.dx, &r.dw, &r.db}) t->fill(1e30f);
  forward(s, x.f32(), w.f32(), bias.f32(), activation, r.y.f32());
  data(s, dy.f32(), w.f32(), r.dx.f32());
  weights(s, x.f32(), dy.f32(), r.dw.f32(), r.db.f32());
  return r;
}

Results run_cpu(const ConvTranspose2dShape& s, Activation activation) {
  return run(s, activation, cpu::conv_transpose2d, cpu::conv_transpose2d_backward_data,
             cpu::conv_transpose2d_backward_weights);
}

TEST_CASE("conv_transpose2d: parity with the reference", "[conv_transpose2d]") {
  for (const ConvTranspose2dShape& s : kShapes) {
    for (const Activation activation : {Activation::none, Activation::relu, Activation::tanh}) {
      INFO(s.h << "x" << s.w << "x" << s.c << " to " << s.oh() << "x" << s.ow() << "x" << s.k);
      const Results got = run_cpu(s, activation);
      const Results expected =
          run(s, activation, ref::conv_transpose2d, ref::conv_transpose2d_backward_data,
              ref::conv_transpose2d_backward_weights);
      CHECK(difference(got.y, expected.y, 1e-5, 1e-5) == "");
      CHECK(difference(got.dx, expected.dx, 1e-5, 1e-5) == "");
      CHECK(difference(got.dw, expected.dw, 1e-5, 1e-5) == "");
      CHECK(difference(got.db, expected.db, 1e-5, 1e-5) == "");
    }
  }
}

TEST_CASE("conv_transpose2d: the same bits for any thread count", "[conv_transpose2d]") {
  for (const ConvTranspose2dShape& s : kShapes) {
    for (Tensor Results::*member : {&Results::y, &Results::dx, &Results::dw, &Results::db}) {
      CHECK(test::same_bits_for_any_threads(
                [&] { return run_cpu(s, Activation::leaky_relu).*member; }) == "");
    }
  }
}

TEST_CASE("conv_transpose2d: refuses what does not fit", "[conv_transpose2d]") {
  CHECK_THROWS_AS((ConvTranspose2dShape{.h = 0}.check()), std::invalid_argument);
  CHECK_THROWS_AS((ConvTranspose2dShape{.crop_top = 1}.check()), std::invalid_argument);
  CHECK_THROWS_AS((ConvTranspose2dShape{.output_pad_w = 1}.check()), std::invalid_argument);
}

}  // namespace
}  // namespace tinct
