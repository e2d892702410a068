// Matrix products and fully connected layers: the kernels of tinct::gpu against the plain loops.
#include "kernels/fully_connected.h"

#include <catch2/catch.hpp>

#include "kernels/conv/conv2d.h"
#include "kernels/gemm.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

Tensor product(const GemmShape& s, const Tensor& a, const Tensor& b) {
  Tensor c({1, 1, s.m, s.n});
  for (std::size_t i = 0; i < s.m; ++i) {
    for (std::size_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < s.k; ++k) {
        sum += double{a.f32()[s.transpose_a ? k * s.m + i : i * s.k + k]} *
               b.f32()[s.transpose_b ? j * s.k + k : k * s.n + j];
      }
      c.f32()[i * s.n + j] = static_cast<float>(sum);
    }
  }
  return c;
}

TEST_CASE("matrix products on the device", "[gpu][gemm]") {
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      for (const GemmShape& size : {GemmShape{1, 1, 1}, GemmShape{2, 7, 31}, GemmShape{33, 65, 32},
                                    GemmShape{64, 64, 16}, GemmShape{67, 31, 33}}) {
        const GemmShape s{size.m, size.n, size.k, transpose_a, transpose_b};
        const Tensor a = test::random_tensor({1, 1, s.m, s.k}, 1);
        const Tensor b = test::random_tensor({1, 1, s.k, s.n}, 2);
        const test::OnDevice device_a(a), device_b(b);
        for (const auto rung : {gpu::gemm, gpu::gemm_tiled}) {
          test::OnDevice out({1, 1, s.m, s.n});
          rung(s, device_a.data(), device_b.data(), out.data());
          CHECK(test::difference(out.tensor(), product(s, a, b), 1e-5, 1e-5) == "");
        }
      }
    }
  }
}

TEST_CASE("fully connected layers on the device", "[gpu][gemm]") {
  for (const FullyConnectedShape& s : {FullyConnectedShape{1, 1, 1}, FullyConnectedShape{2, 31, 7},
                                       FullyConnectedShape{33, 32, 65}}) {
    const Conv2dShape conv{.w = s.rows, .c = s.in, .k = s.out};
    const Tensor x = test::random_tensor({s.rows, 1, 1, s.in}, 1);
    const Tensor w = test::random_tensor({s.out, 1, 1, s.in}, 2);
    const Tensor bias = test::random_tensor({1, 1, 1, s.out}, 3);
    const Tensor dy = test::random_tensor({s.rows, 1, 1, s.out}, 4);
    const test::OnDevice device_x(x), device_w(w), device_bias(bias), device_dy(dy);
    for (const Activation activation : {Activation::none, Activation::relu}) {
      for (const bool biased : {false, true}) {
        Tensor y(dy.shape());
        test::OnDevice out(dy.shape());
        ref::conv2d(conv, x.f32(), w.f32(), biased ? bias.f32() : nullptr, activation, y.f32());
        gpu::fully_connected(s, device_x.data(), device_w.data(),
                             biased ? device_bias.data() : nullptr, activation, out.data());
        CHECK(test::difference(out.tensor(), y, 1e-5, 1e-5) == "");
      }
    }
    Tensor dx(x.shape()), dw(w.shape()), db(bias.shape());
    test::OnDevice out_x(x.shape()), out_w(w.shape()), out_b(bias.shape());
    ref::conv2d_backward_data(conv, dy.f32(), w.f32(), dx.f32());
    ref::conv2d_backward_weights(conv, x.f32(), dy.f32(), dw.f32(), db.f32());
    gpu::fully_connected_backward_data(s, device_dy.data(), device_w.data(), out_x.data());
    gpu::fully_connected_backward_weights(s, device_x.data(), device_dy.data(), out_w.data(),
                                          out_b.data());
    CHECK(test::difference(out_x.tensor(), dx, 1e-5, 1e-5) == "");
    CHECK(test::difference(out_w.tensor(), dw, 1e-5, 1e-5) == "");
    CHECK(test::difference(out_b.tensor(), db, 1e-5, 1e-5) == "");
  }
}

TEST_CASE("matrix products read whole sectors", "[gpu][gemm]") {
  const GemmShape s{64, 128, 64, false, true};
  const test::OnDevice a(test::random_tensor({1, 1, s.m, s.k}, 1)),
      b(test::random_tensor({1, 1, s.n, s.k}, 2));
  test::OnDevice c({1, 1, s.m, s.n});
  test::check_sectors([&] { gpu::gemm_tiled(s, a.data(), b.data(), c.data()); });
}

}  // namespace
}  // namespace tinct
