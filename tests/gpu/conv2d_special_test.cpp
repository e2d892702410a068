// Convolutions of the first and the last layer on the device, and the choice of rungs in bf16.
#include "kernels/conv/special.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/gpu/conv2d_case.h"
#include "tests/gpu/every_order.h"

namespace tinct {
namespace {

using test::conv_shape;
using test::ConvOperands;

// With `thin` channels in, or out.
std::vector<Conv2dShape> shapes(std::size_t thin, bool out) {
  std::vector<Conv2dShape> all = {
      conv_shape(1, 1, 1, thin, 1, 1, 1, 0),   conv_shape(1, 5, 7, thin, 64, 3, 1, 1),
      conv_shape(2, 9, 37, thin, 24, 3, 1, 1), conv_shape(1, 6, 9, thin, 7, 3, 2, 1),
      conv_shape(1, 4, 35, thin, 68, 1, 1, 0), conv_shape(1, 12, 11, thin, 12, 3, 1, 2),
      conv_shape(1, 10, 9, thin, 16, 4, 2, 1), conv_shape(1, 7, 40, thin, 36, 5, 1, 2),
  };
  all[5].dilation_h = all[5].dilation_w = 2, all[5].pad_left = 0;
  all[7].kh = 2, all[7].pad_top = 1, all[7].pad_bottom = 0;
  if (out) {
    for (Conv2dShape& s : all) std::swap(s.c, s.k);
  }
  return all;
}

template <class T>
struct Rung {
  bool (*supports)(Conv2dPass pass, const Conv2dShape& s);
  void (*forward)(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                  Activation activation, T* y);
  void (*backward_data)(const Conv2dShape& s, const T* dy, const T* w, T* dx);
  void (*backward_weights)(const Conv2dShape& s, const T* x, const T* dy, float* dw, float* db);
};

template <class T>
Rung<T> rung(bool few_outputs) {
  if (few_outputs) {
    return {gpu::few_outputs_supports, gpu::conv2d_few_outputs<T>,
            gpu::conv2d_backward_data_few_outputs<T>, gpu::conv2d_backward_weights_few_outputs<T>};
  }
  return {gpu::first_layer_supports, gpu::conv2d_first_layer<T>,
          gpu::conv2d_backward_data_first_layer<T>, gpu::conv2d_backward_weights_first_layer<T>};
}

constexpr double kAbsolute = 2e-5;

// Returns how many of the passes the rung supports.
template <class T>
int check(const Rung<T>& rung, const Conv2dShape& s, Activation activation) {
  CAPTURE(s.n, s.h, s.w, s.c, s.k, s.kh, s.kw, s.stride_h, s.dilation_h);
  const ConvOperands<T> o(s);
  const double tolerance = test::tolerance<T>(1e-5);
  int passes = 0;
  if (rung.supports(Conv2dPass::forward, s)) {
    Tensor y(o.dy.shape());
    ref::conv2d(s, o.x.f32(), o.w.f32(), o.bias.f32(), activation, y.f32());
    test::OnDeviceAs<T> out(y.shape());
    rung.forward(s, o.device_x.data(), o.device_w.data(), o.device_bias.data(), activation,
                 out.data());
    CHECK(test::difference(out.tensor(), y, tolerance, kAbsolute) == "");
    ++passes;
  }
  if (rung.supports(Conv2dPass::backward_data, s)) {
    Tensor dx(o.x.shape());
    ref::conv2d_backward_data(s, o.dy.f32(), o.w.f32(), dx.f32());
    test::OnDeviceAs<T> out(dx.shape());
    rung.backward_data(s, o.device_dy.data(), o.device_w.data(), out.data());
    CHECK(test::difference(out.tensor(), dx, tolerance, kAbsolute) == "");
    ++passes;
  }
  if (rung.supports(Conv2dPass::backward_weights, s)) {
    Tensor dw(o.w.shape()), db(o.bias.shape());
    ref::conv2d_backward_weights(s, o.x.f32(), o.dy.f32(), dw.f32(), db.f32());
    test::OnDevice out(dw.shape()), out_bias(db.shape());
    rung.backward_weights(s, o.device_x.data(), o.device_dy.data(), out.data(), out_bias.data());
    CHECK(test::difference(out.tensor(), dw, 1e-5, kAbsolute) == "");
    CHECK(test::difference(out_bias.tensor(), db, 1e-5, kAbsolute) == "");
    ++passes;
  }
  return passes;
}

TEMPLATE_TEST_CASE("convolutions of one to four channels", "[gpu][conv2d]", float, bf16) {
  for (const bool out : {false, true}) {
    int passes = 0;
    for (std::size_t thin = 1; thin <= 4; ++thin) {
      std::size_t turn = thin;
      for (const Conv2dShape& s : shapes(thin, out)) {
        passes += check<TestType>(rung<TestType>(out), s, test::kActivations[++turn % 5]);
      }
    }
    CHECK(passes == 4 * (out ? 20 : 22));  // 6 of 8 shapes have stride 1
  }
}

TEST_CASE("a convolution that no special rung is for is refused", "[gpu][conv2d]") {
  const Conv2dShape wide = conv_shape(1, 4, 4, 8, 8, 3, 1, 1),
                    strided = conv_shape(1, 8, 8, 8, 2, 3, 2, 1);
  test::OnDevice some(Shape{1, 8, 8, 8});
  for (const bool out : {false, true}) {
    CHECK_FALSE(rung<float>(out).supports(Conv2dPass::forward, wide));
    CHECK_THROWS_WITH(rung<float>(out).forward(wide, some.data(), some.data(), nullptr,
                                               Activation::none, some.data()),
                      Catch::Contains("8 to 8 channels"));
  }
  CHECK(gpu::few_outputs_supports(Conv2dPass::forward, strided));
  CHECK_THROWS_AS(
      gpu::conv2d_backward_data_few_outputs<float>(strided, some.data(), some.data(), some.data()),
      std::invalid_argument);
}

TEST_CASE("what computes a convolution in bf16", "[gpu][conv2d]") {
  const auto name = [](Conv2dPass pass, const Conv2dShape& s) {
    return std::string(gpu::conv2d_rung_bf16(pass, s).name);
  };
  const Conv2dShape first = conv_shape(1, 9, 9, 1, 24, 3, 1, 1),
                    last = conv_shape(1, 9, 9, 24, 2, 3, 1, 1);
  const Conv2dShape inner = conv_shape(1, 9, 9, 24, 24, 3, 2, 1);
  Conv2dShape strided = last;
  strided.stride_h = 2;
  for (const Conv2dPass pass :
       {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_weights}) {
    CHECK(name(pass, first) == "first_layer");
    CHECK(name(pass, last) == "few_outputs");
    CHECK(name(pass, inner) == "tensor_core");
  }
  CHECK(name(Conv2dPass::forward, strided) == "few_outputs");
  CHECK(name(Conv2dPass::backward_weights, strided) == "tensor_core");

  const Rung<bf16> chosen{[](Conv2dPass, const Conv2dShape&) { return true; }, gpu::conv2d,
                          gpu::conv2d_backward_data, gpu::conv2d_backward_weights};
  for (const Conv2dShape& s : {first, last, inner, strided}) {
    CHECK(check<bf16>(chosen, s, Activation::relu) == 3);
  }
}

TEST_CASE("one to four channels: the same bits in every order of threads", "[gpu][conv2d]") {
  for (const bool out : {false, true}) {
    const Conv2dShape s =
        out ? conv_shape(1, 6, 35, 24, 3, 3, 1, 1) : conv_shape(1, 6, 35, 3, 24, 3, 1, 1);
    const ConvOperands<bf16> o(s);
    const Rung<bf16> r = rung<bf16>(out);
    test::check_same_in_every_order([&] {
      test::OnDeviceBf16 y(o.dy.shape()), dx(o.x.shape());
      test::OnDevice dw(o.w.shape());
      r.forward(s, o.device_x.data(), o.device_w.data(), nullptr, Activation::none, y.data());
      r.backward_data(s, o.device_dy.data(), o.device_w.data(), dx.data());
      r.backward_weights(s, o.device_x.data(), o.device_dy.data(), dw.data(), nullptr);
      return test::numbers(y, dx, dw);
    });
  }
}

#if defined(TINCT_SIMT_CHECKED)

// Of the whole pass; the sectors of the filter, and of the tiles of the thin tensor, left out.
void check_efficient(const simt::Report& report) {
  for (const simt::Finding& finding : report.findings) UNSCOPED_INFO(to_string(finding));
  CHECK(report.findings.empty());
  std::uint64_t sectors = 0, ideal_sectors = 0, waves = 0, ideal_waves = 0;
  for (const simt::LineCount& line : report.lines) {
    UNSCOPED_INFO(line.where << ": " << line.sectors << " sectors of " << line.ideal_sectors << ", "
                             << line.waves << " waves of " << line.ideal_waves);
    waves += line.waves, ideal_waves += line.ideal_waves;
    if (line.where.find("thin_tile-inl.h") != std::string::npos) continue;
    sectors += line.sectors, ideal_sectors += line.ideal_sectors;
  }
  CHECK(static_cast<double>(sectors) <= 1.25 * static_cast<double>(ideal_sectors));
  CHECK(static_cast<double>(waves) <= 1.25 * static_cast<double>(ideal_waves));
}

TEMPLATE_TEST_CASE("one to four channels: sectors and banks", "[gpu][conv2d]", float, bf16) {
  for (const std::size_t thin : {1u, 2u, 3u}) {
    for (const bool out : {false, true}) {
      CAPTURE(thin, out);
      const Conv2dShape s =
          out ? conv_shape(1, 16, 64, 64, thin, 3, 1, 1) : conv_shape(1, 16, 64, thin, 64, 3, 1, 1);
      const ConvOperands<TestType> o(s);
      const Rung<TestType> r = rung<TestType>(out);
      test::OnDeviceAs<TestType> y(o.dy.shape()), dx(o.x.shape());
      test::OnDevice dw(o.w.shape());
      {
        const simt::Session session;
        r.forward(s, o.device_x.data(), o.device_w.data(), o.device_bias.data(), Activation::none,
                  y.data());
        check_efficient(session.report());
      }
      {
        const simt::Session session;
        r.backward_data(s, o.device_dy.data(), o.device_w.data(), dx.data());
        check_efficient(session.report());
      }
      const simt::Session session;
      r.backward_weights(s, o.device_x.data(), o.device_dy.data(), dw.data(), nullptr);
      check_efficient(session.report());
    }
  }
}

#endif

}  // namespace
}  // namespace tinct
