// Convolution on tensor cores against the plain loops, which see the operands as bf16 keeps them.
#include "kernels/conv/tensor_core.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/gpu/conv2d_case.h"
#include "tests/gpu/every_order.h"

namespace tinct {
namespace {

using gpu::ConvTile;
using test::conv_shape;

constexpr ConvTile kTiles[] = {ConvTile::m128n128, ConvTile::m128n64, ConvTile::m128n32,
                               ConvTile::m64n64};

std::vector<Conv2dShape> shapes() {
  std::vector<Conv2dShape> all = {
      conv_shape(1, 1, 1, 1, 1, 1, 1, 0),    conv_shape(1, 5, 7, 3, 5, 3, 1, 1),
      conv_shape(2, 9, 8, 8, 33, 3, 2, 1),   conv_shape(1, 4, 4, 16, 2, 1, 1, 0),
      conv_shape(1, 9, 13, 40, 72, 3, 1, 1), conv_shape(2, 8, 10, 16, 7, 4, 2, 1),
      conv_shape(1, 7, 8, 9, 10, 2, 3, 0),   conv_shape(1, 12, 11, 24, 16, 3, 1, 2),
  };
  all.back().dilation_h = all.back().dilation_w = 2;
  all.back().pad_left = 0;
  Conv2dShape lopsided = conv_shape(3, 6, 9, 12, 130, 5, 1, 0);
  lopsided.kw = 1, lopsided.stride_h = 2, lopsided.pad_top = 3, lopsided.pad_right = 2;
  all.push_back(lopsided);
  return all;
}

// As T keeps them on the device, and as the tensor cores see them.
template <class T>
using Operands = test::ConvOperands<T, bf16>;

// Sums of up to a few hundred products of numbers below 1, in f32.
constexpr double kAbsolute = 3e-5;

template <class T>
void check(const Conv2dShape& s, ConvTile tile, Activation activation) {
  CAPTURE(s.n, s.h, s.w, s.c, s.k, s.kh, s.kw, s.stride_h, static_cast<int>(tile));
  const Operands<T> o(s);
  const double tolerance = test::tolerance<T>(1e-5);
  Tensor y(o.dy.shape()), dx(o.x.shape()), dw(o.w.shape()), db(o.bias.shape());

  ref::conv2d(s, o.x.f32(), o.w.f32(), o.bias.f32(), activation, y.f32());
  test::OnDeviceAs<T> device_y(y.shape());
  gpu::conv2d_tensor_core(s, o.device_x.data(), o.device_w.data(), o.device_bias.data(), activation,
                          device_y.data(), tile);
  CHECK(test::difference(device_y.tensor(), y, tolerance, kAbsolute) == "");

  ref::conv2d_backward_data(s, o.dy.f32(), o.w.f32(), dx.f32());
  test::OnDeviceAs<T> device_dx(dx.shape());
  gpu::conv2d_backward_data_tensor_core(s, o.device_dy.data(), o.device_w.data(), device_dx.data(),
                                        tile);
  CHECK(test::difference(device_dx.tensor(), dx, tolerance, kAbsolute) == "");

  ref::conv2d_backward_weights(s, o.x.f32(), o.dy.f32(), dw.f32(), db.f32());
  test::OnDevice device_dw(dw.shape()), device_db(db.shape());
  gpu::conv2d_backward_weights_tensor_core(s, o.device_x.data(), o.device_dy.data(),
                                           device_dw.data(), device_db.data(), tile);
  CHECK(test::difference(device_dw.tensor(), dw, 1e-5, kAbsolute) == "");
  CHECK(test::difference(device_db.tensor(), db, 1e-5, kAbsolute) == "");
}

TEMPLATE_TEST_CASE("convolution on tensor cores", "[gpu][conv2d]", float, bf16) {
  std::size_t turn = sizeof(TestType);
  for (const Conv2dShape& s : shapes()) {
    ++turn;
    check<TestType>(s, ConvTile::automatic, test::kActivations[turn % 5]);
#if defined(TINCT_SIMT_CHECKED)
    if (s.macs() < 100'000) check<TestType>(s, kTiles[turn % 4], test::kActivations[turn % 5]);
#else
    for (const ConvTile tile : kTiles) check<TestType>(s, tile, test::kActivations[turn % 5]);
#endif
  }
}

TEST_CASE("a weight gradient of tensor cores in several parts", "[gpu][conv2d]") {
  const Conv2dShape s = conv_shape(2, 17, 31, 8, 8, 3, 1, 1);
  const Operands<bf16> o(s);
  Tensor dw(o.w.shape());
  ref::conv2d_backward_weights(s, o.x.f32(), o.dy.f32(), dw.f32(), nullptr);
  test::OnDevice device_dw(dw.shape());
  gpu::conv2d_backward_weights_tensor_core(s, o.device_x.data(), o.device_dy.data(),
                                           device_dw.data(), nullptr);
  CHECK(test::difference(device_dw.tensor(), dw, 1e-5, 1e-4) == "");
}

TEST_CASE("tensor cores: the same bits in every order of threads", "[gpu][conv2d]") {
  const Conv2dShape s = conv_shape(1, 6, 5, 16, 24, 3, 2, 1);
  const Operands<bf16> o(s);
  test::check_same_in_every_order([&] {
    test::OnDeviceBf16 y(o.dy.shape()), dx(o.x.shape());
    test::OnDevice dw(o.w.shape());
    gpu::conv2d_tensor_core(s, o.device_x.data(), o.device_w.data(), nullptr, Activation::none,
                            y.data());
    gpu::conv2d_backward_data_tensor_core(s, o.device_dy.data(), o.device_w.data(), dx.data());
    gpu::conv2d_backward_weights_tensor_core(s, o.device_x.data(), o.device_dy.data(), dw.data(),
                                             nullptr);
    return test::numbers(y, dx, dw);
  });
}

#if defined(TINCT_SIMT_CHECKED)

// Every request of whole sectors, and no bank met twice.
void check_efficient(const simt::Report& report) {
  for (const simt::Finding& finding : report.findings) UNSCOPED_INFO(to_string(finding));
  CHECK(report.findings.empty());
  CHECK(report.tensor_ops > 0);
  for (const simt::LineCount& line : report.lines) {
    INFO(line.where << ": " << line.sectors << " sectors of " << line.ideal_sectors << ", "
                    << line.waves << " waves of " << line.ideal_waves);
    if (line.requests < 16) continue;  // a bias, a row of offsets
    CHECK(static_cast<double>(line.sectors) <= 1.25 * static_cast<double>(line.ideal_sectors));
    CHECK(static_cast<double>(line.waves) <= 1.25 * static_cast<double>(line.ideal_waves));
  }
}

TEST_CASE("tensor cores: sectors and banks", "[gpu][conv2d]") {
  const Conv2dShape s = conv_shape(1, 8, 16, 32, 64, 3, 1, 1);
  const Operands<bf16> o(s);
  test::OnDeviceBf16 y(o.dy.shape()), dx(o.x.shape());
  test::OnDevice dw(o.w.shape());
  for (const ConvTile tile : kTiles) {
    CAPTURE(static_cast<int>(tile));
    {
      const simt::Session session;
      gpu::conv2d_tensor_core(s, o.device_x.data(), o.device_w.data(), o.device_bias.data(),
                              Activation::relu, y.data(), tile);
      check_efficient(session.report());
    }
    {
      const simt::Session session;
      gpu::conv2d_backward_data_tensor_core(s, o.device_dy.data(), o.device_w.data(), dx.data(),
                                            tile);
      check_efficient(session.report());
    }
  }
  for (const ConvTile tile : {ConvTile::m128n128, ConvTile::m64n64}) {
    CAPTURE(static_cast<int>(tile));
    const simt::Session session;
    gpu::conv2d_backward_weights_tensor_core(s, o.device_x.data(), o.device_dy.data(), dw.data(),
                                             nullptr, tile);
    check_efficient(session.report());
  }
}

#endif

}  // namespace
}  // namespace tinct
