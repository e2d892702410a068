// Convolution in tf32 on the device: the plain loops on operands of 11 bits, whose products are
// exact.
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/conv/register_tiles.h"
#include "kernels/conv/rungs.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"
#include "tests/kernels/conv_row.h"

namespace tinct {
namespace {

using test::ConvRow;
using test::OnDevice;

constexpr double kTolerance = 2e-6;

// Numbers that tf32 keeps.
Tensor short_numbers(Shape s, std::uint64_t seed) {
  Tensor t = test::random_tensor(s, seed);
  for (std::size_t i = 0; i < t.size(); ++i) {
    t.f32()[i] = std::round(t.f32()[i] * 1024) / 1024;
  }
  return t;
}

struct Case {
  explicit Case(const ConvRow& row)
      : s(row.shape()),
        x(short_numbers({s.n, s.h, s.w, s.c}, 1)),
        w(short_numbers({s.k, s.kh, s.kw, s.c}, 2)),
        bias(test::random_tensor({1, 1, 1, s.k}, 3)),
        dy(short_numbers({s.n, s.oh(), s.ow(), s.k}, 4)),
        y(dy.shape()),
        dx(x.shape()),
        dw(w.shape()),
        db(bias.shape()) {
    ref::conv2d(s, x.f32(), w.f32(), bias.f32(), Activation::leaky_relu, y.f32());
    ref::conv2d_backward_data(s, dy.f32(), w.f32(), dx.f32());
    ref::conv2d_backward_weights(s, x.f32(), dy.f32(), dw.f32(), db.f32());
  }
  Conv2dShape s;
  Tensor x, w, bias, dy, y, dx, dw, db;
};

const ConvRow kRows[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},         {1, 5, 7, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1},
    {2, 9, 8, 7, 33, 3, 3, 2, 1, 1, 1, 1, 1},        {1, 9, 9, 4, 8, 3, 3, 1, 2, 2, 0, 2, 2},
    {2, 8, 8, 8, 12, 4, 4, 2, 1, 1, 1, 1, 1},        {1, 7, 6, 20, 36, 3, 2, 1, 1, 0, 1, 2, 0},
    {1, 7, 9, 31, 32, 1, 5, 2, 1, 0, 3, 1, 1, 3, 2}, {1, 11, 3, 33, 127, 1, 1, 3, 1, 0, 0, 0, 0},
    {1, 6, 6, 16, 132, 3, 3, 1, 1, 1, 1, 1, 1},
};

TEST_CASE("convolution in tf32, every pass", "[gpu][conv2d][tf32]") {
  const gpu::Conv2dRung<float>& rung = gpu::conv2d_rungs_tf32().front();
  for (const ConvRow& row : kRows) {
    const Case c(row);
    CAPTURE(c.s.h, c.s.w, c.s.c, c.s.k, c.s.kh, c.s.stride_h);
    const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
    OnDevice y(c.y.shape()), dx(c.dx.shape()), dw(c.dw.shape()), db(c.db.shape());
    rung.forward(c.s, x.data(), w.data(), bias.data(), Activation::leaky_relu, y.data());
    CHECK(test::relative_error(y.tensor(), c.y, kTolerance) == "");
    rung.backward_data(c.s, dy.data(), w.data(), dx.data());
    CHECK(test::relative_error(dx.tensor(), c.dx, kTolerance) == "");
    rung.backward_weights(c.s, x.data(), dy.data(), dw.data(), db.data());
    CHECK(test::relative_error(dw.tensor(), c.dw, kTolerance) == "");
    CHECK(test::relative_error(db.tensor(), c.db, kTolerance) == "");
  }
}

TEST_CASE("every size of tile in tf32", "[gpu][conv2d][tf32]") {
  using gpu::RegisterTiles;
  for (const ConvRow& row : {ConvRow{1, 5, 6, 36, 72, 3, 3, 1, 1, 1, 1, 1, 1},
                             ConvRow{1, 8, 8, 8, 12, 4, 4, 2, 1, 1, 1, 1, 1}}) {
    const Case c(row);
    const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
    for (const RegisterTiles tiles : {RegisterTiles::m128n128, RegisterTiles::m128n64,
                                      RegisterTiles::m128n32, RegisterTiles::m64n64}) {
      CAPTURE(c.s.c, c.s.k, static_cast<int>(tiles));
      OnDevice y(c.y.shape()), dx(c.dx.shape());
      const gpu::Correlation forward[] = {gpu::forward_correlation(c.s)};
      gpu::correlate_tf32(forward, gpu::Filter::along, x.data(), w.data(), bias.data(),
                          Activation::leaky_relu, y.data(), tiles);
      CHECK(test::relative_error(y.tensor(), c.y, kTolerance) == "");
      gpu::correlate_tf32(gpu::backward_data_correlations(c.s), gpu::Filter::across, dy.data(),
                          w.data(), nullptr, Activation::none, dx.data(), tiles);
      CHECK(test::relative_error(dx.tensor(), c.dx, kTolerance) == "");
    }
  }
}

TEST_CASE("tf32 is taken where it is allowed", "[gpu][conv2d][tf32]") {
  const Conv2dShape s = kRows[4].shape();
  const auto name = [&] { return std::string(gpu::conv2d_rung(Conv2dPass::forward, s).name); };
  CHECK(name() == "register_tiles");
  allow_tf32(true);
  CHECK(name() == "register_tiles_tf32");
  allow_tf32(false);
  CHECK(name() == "register_tiles");
}

TEST_CASE("tf32 touches few sectors and banks in vain", "[gpu][conv2d][tf32]") {
  const Case c(ConvRow{1, 12, 12, 32, 64, 3, 3, 1, 1, 1, 1, 1, 1});
  const gpu::Conv2dRung<float>& rung = gpu::conv2d_rungs_tf32().front();
  const OnDevice x(c.x), w(c.w), bias(c.bias), dy(c.dy);
  OnDevice y(c.y.shape()), dx(c.dx.shape()), dw(c.dw.shape()), db(c.db.shape());
  test::check_sectors(
      [&] { rung.forward(c.s, x.data(), w.data(), bias.data(), Activation::none, y.data()); });
  test::check_sectors([&] { rung.backward_data(c.s, dy.data(), w.data(), dx.data()); });
  test::check_sectors(
      [&] { rung.backward_weights(c.s, x.data(), dy.data(), dw.data(), db.data()); });
}

}  // namespace
}  // namespace tinct
