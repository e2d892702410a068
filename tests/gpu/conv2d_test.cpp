// Convolution: every rung of the ladder on the device, each pass, against the plain loops.
#include <catch2/catch.hpp>
#include <string>

#include "kernels/conv/register_tiles.h"
#include "kernels/conv/rungs.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"
#include "tests/kernels/conv_row.h"
#include "tests/simt/every_order.h"

namespace tinct {
namespace {

using test::ConvRow;
using test::OnDevice;
using test::random_tensor;

constexpr double kTolerance = 2e-6;
// Of a rung: a library may multiply transformed numbers, which costs digits.
double tolerance_of(const gpu::Conv2dRung<float>& rung) {
  return std::string(rung.name) == "cudnn" ? 5e-5 : kTolerance;
}

// What a pass reads and what the plain loops make of it.
struct Case {
  explicit Case(const Conv2dShape& shape, Activation kind = Activation::none)
      : s(shape),
        activation(kind),
        x(random_tensor({s.n, s.h, s.w, s.c}, 1)),
        w(random_tensor({s.k, s.kh, s.kw, s.c}, 2)),
        bias(random_tensor({1, 1, 1, s.k}, 3)),
        dy(random_tensor({s.n, s.oh(), s.ow(), s.k}, 4)),
        y(dy.shape()),
        dx(x.shape()),
        dw(w.shape()),
        db(bias.shape()) {
    ref::conv2d(s, x.f32(), w.f32(), bias.f32(), activation, y.f32());
    ref::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
    ref::conv2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), db.f32());
  }

  Conv2dShape s;
  Activation activation;
  Tensor x, w, bias, dy;
  Tensor y, dx, dw, db;
};

void check_forward(const gpu::Conv2dRung<float>& rung, const Case& c) {
  const OnDevice x(c.x), w(c.w), bias(c.bias);
  OnDevice y(c.y.shape());
  rung.forward(c.s, x.data(), w.data(), bias.data(), c.activation, y.data());
  CHECK(test::relative_error(y.tensor(), c.y, tolerance_of(rung)) == "");
}

void check_backward_data(const gpu::Conv2dRung<float>& rung, const Case& c) {
  const OnDevice dy(c.dy), w(c.w);
  OnDevice dx(c.dx.shape());
  rung.backward_data(c.s, dy.data(), w.data(), dx.data());
  CHECK(test::relative_error(dx.tensor(), c.dx, tolerance_of(rung)) == "");
}

void check_backward_weights(const gpu::Conv2dRung<float>& rung, const Case& c) {
  const OnDevice x(c.x), dy(c.dy);
  OnDevice dw(c.dw.shape()), db(c.db.shape());
  rung.backward_weights(c.s, x.data(), dy.data(), dw.data(), db.data());
  CHECK(test::relative_error(dw.tensor(), c.dw, tolerance_of(rung)) == "");
  CHECK(test::relative_error(db.tensor(), c.db, kTolerance) == "");
}

void check_every_rung(const Case& c) {
  CAPTURE(c.s.n, c.s.h, c.s.w, c.s.c, c.s.k, c.s.kh, c.s.kw, c.s.stride_h, c.s.dilation_h);
  for (const gpu::Conv2dRung<float>& rung : gpu::conv2d_rungs()) {
    INFO("rung " << rung.number << ", " << rung.name);
    if (rung.forward && rung.supports(Conv2dPass::forward, c.s)) check_forward(rung, c);
    if (rung.backward_data && rung.supports(Conv2dPass::backward_data, c.s)) {
      check_backward_data(rung, c);
    }
    if (rung.backward_weights && rung.supports(Conv2dPass::backward_weights, c.s)) {
      check_backward_weights(rung, c);
    }
  }
}

// n, h, w, c, k, kh, kw, stride, dilation, pad top, left, bottom, right
const ConvRow kRows[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},         {1, 5, 7, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1},
    {2, 9, 8, 7, 33, 3, 3, 2, 1, 1, 1, 1, 1},        {1, 4, 4, 16, 2, 1, 1, 1, 1, 0, 0, 0, 0},
    {1, 6, 6, 64, 3, 3, 3, 1, 1, 1, 1, 1, 1},        {1, 9, 9, 4, 8, 3, 3, 1, 2, 2, 0, 2, 2},
    {2, 8, 8, 8, 12, 4, 4, 2, 1, 1, 1, 1, 1},        {1, 7, 6, 20, 36, 3, 2, 1, 1, 0, 1, 2, 0},
    {1, 7, 9, 31, 32, 1, 5, 2, 1, 0, 3, 1, 1, 3, 2}, {1, 11, 3, 33, 127, 1, 1, 3, 1, 0, 0, 0, 0},
    {1, 8, 8, 4, 4, 7, 7, 4, 2, 6, 5, 4, 3},
};

TEST_CASE("every rung of the convolution on the device", "[gpu][conv2d]") {
  for (const ConvRow& row : kRows) check_every_rung(Case(row.shape(), Activation::relu));
}

TEST_CASE("convolutions whose output has an activation", "[gpu][conv2d]") {
  const Conv2dShape s = ConvRow{1, 4, 4, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1}.shape();
  for (const Activation kind :
       {Activation::none, Activation::leaky_relu, Activation::sigmoid, Activation::tanh}) {
    const Case c(s, kind);
    for (const gpu::Conv2dRung<float>& rung : gpu::conv2d_rungs()) {
      INFO("rung " << rung.number << ", " << rung.name);
      if (rung.forward && rung.supports(Conv2dPass::forward, s)) check_forward(rung, c);
    }
  }
}

TEST_CASE("the convolution's rungs in every order of threads", "[gpu][conv2d]") {
  const Case c(ConvRow{1, 9, 7, 12, 20, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
  test::in_every_order([&] { check_every_rung(c); });
}

TEST_CASE("every size of register tile", "[gpu][conv2d]") {
  using gpu::RegisterTiles;
  // One of each: parts of a long sum, one part, two phases a direction.
  for (const ConvRow& row : {ConvRow{1, 5, 6, 36, 72, 3, 3, 1, 1, 1, 1, 1, 1},
                             ConvRow{2, 9, 8, 4, 68, 3, 3, 1, 1, 1, 1, 1, 1},
                             ConvRow{1, 8, 8, 8, 12, 4, 4, 2, 1, 1, 1, 1, 1}}) {
    const Case c(row.shape(), Activation::leaky_relu);
    const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
    for (const RegisterTiles tiles : {RegisterTiles::m128n128, RegisterTiles::m128n64,
                                      RegisterTiles::m128n32, RegisterTiles::m64n64}) {
      CAPTURE(c.s.c, c.s.k, static_cast<int>(tiles));
      OnDevice y(c.y.shape()), dx(c.dx.shape());
      const gpu::Correlation forward[] = {gpu::forward_correlation(c.s)};
      gpu::correlate_register_tiles(forward, gpu::Filter::along, x.data(), w.data(), bias.data(),
                                    c.activation, y.data(), tiles);
      CHECK(test::relative_error(y.tensor(), c.y, kTolerance) == "");
      gpu::correlate_register_tiles(gpu::backward_data_correlations(c.s), gpu::Filter::across,
                                    dy.data(), w.data(), nullptr, Activation::none, dx.data(),
                                    tiles);
      CHECK(test::relative_error(dx.tensor(), c.dx, kTolerance) == "");
    }
  }
}

TEST_CASE("the convolution's tiled rungs touch few sectors and banks in vain", "[gpu][conv2d]") {
  const Case c(ConvRow{1, 12, 12, 32, 64, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
  const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
  OnDevice y(c.y.shape()), dx(c.dx.shape()), dw(c.dw.shape()), db(c.db.shape());
  for (const gpu::Conv2dRung<float>& rung : gpu::conv2d_rungs()) {
    if (rung.number != 2 && rung.number != 3) continue;
    INFO("rung " << rung.number << ", " << rung.name);
    test::check_sectors(
        [&] { rung.forward(c.s, x.data(), w.data(), bias.data(), c.activation, y.data()); });
    test::check_sectors([&] { rung.backward_data(c.s, dy.data(), w.data(), dx.data()); });
    test::check_sectors(
        [&] { rung.backward_weights(c.s, x.data(), dy.data(), dw.data(), db.data()); });
  }
}

TEST_CASE("the convolution that is taken", "[gpu][conv2d]") {
  for (const ConvRow& row : {kRows[1], kRows[6]}) {
    const Case c(row.shape(), Activation::relu);
    const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
    OnDevice y(c.y.shape()), dx(c.dx.shape()), dw(c.dw.shape()), db(c.db.shape());
    gpu::conv2d(c.s, x.data(), w.data(), bias.data(), c.activation, y.data());
    CHECK(test::relative_error(y.tensor(), c.y, kTolerance) == "");
    gpu::conv2d_backward_data(c.s, dy.data(), w.data(), dx.data());
    CHECK(test::relative_error(dx.tensor(), c.dx, kTolerance) == "");
    gpu::conv2d_backward_weights(c.s, x.data(), dy.data(), dw.data(), db.data());
    CHECK(test::relative_error(dw.tensor(), c.dw, kTolerance) == "");
    CHECK(test::relative_error(db.tensor(), c.db, kTolerance) == "");
  }
}

TEST_CASE("a convolution without bias, and without its gradient", "[gpu][conv2d]") {
  const Case c(ConvRow{1, 5, 4, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1}.shape());
  Tensor y(c.y.shape());
  ref::conv2d(c.s, c.x.f32(), c.w.f32(), nullptr, Activation::none, y.f32());
  for (const gpu::Conv2dRung<float>& rung : gpu::conv2d_rungs()) {
    INFO("rung " << rung.number << ", " << rung.name);
    const OnDevice x(c.x), w(c.w), dy(c.dy);
    OnDevice out(y.shape()), dw(c.dw.shape());
    if (rung.forward && rung.supports(Conv2dPass::forward, c.s)) {
      rung.forward(c.s, x.data(), w.data(), nullptr, Activation::none, out.data());
      CHECK(test::relative_error(out.tensor(), y, tolerance_of(rung)) == "");
    }
    if (rung.backward_weights && rung.supports(Conv2dPass::backward_weights, c.s)) {
      rung.backward_weights(c.s, x.data(), dy.data(), dw.data(), nullptr);
      CHECK(test::relative_error(dw.tensor(), c.dw, tolerance_of(rung)) == "");
    }
  }
}

TEST_CASE("impossible convolutions are refused on the device", "[gpu][conv2d]") {
  Conv2dShape s;
  s.kh = 3;
  OnDevice x(Shape{1, 1, 1, 1});
  CHECK_THROWS_AS(gpu::conv2d(s, x.data(), x.data(), nullptr, Activation::none, x.data()),
                  std::invalid_argument);
}

}  // namespace
}  // namespace tinct
