// Batch normalisation: the kernels of tinct::gpu against the plain loops.
#include "kernels/batch_norm.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr Activation kFused[] = {Activation::none, Activation::relu, Activation::leaky_relu};

struct Size {
  std::size_t rows, c;
};

// Odd channel counts, vectors of channels, more vectors than a block has threads, rows of more than
// one slab.
const std::vector<Size> kSizes = {{1, 1},    {2, 3},   {7, 5},   {31, 2},  {32, 64},  {33, 7},
                                  {127, 33}, {999, 4}, {70, 31}, {3, 300}, {5, 1032}, {9000, 1}};

// A map with a mean of its own in every channel, and the channels' constants.
struct Problem {
  Shape map, vector;
  Tensor x, dy, gamma, beta, mean, variance;

  explicit Problem(Size size)
      : map{1, 1, size.rows, size.c},
        vector{1, 1, 1, size.c},
        x(test::random_tensor(map, 1)),
        dy(test::random_tensor(map, 2)),
        gamma(test::random_tensor(vector, 3)),
        beta(test::random_tensor(vector, 4)),
        mean(vector),
        variance(vector) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x.f32()[i] = x.f32()[i] * 2 + static_cast<float>(i % size.c % 16) - 3;
    }
    ref::batch_norm_statistics(size.rows, size.c, x.f32(), mean.f32(), variance.f32());
  }
};

struct OnBoth {
  test::OnDevice gamma, beta, mean, variance;
  BatchNormChannels host, device;

  explicit OnBoth(const Problem& p)
      : gamma(p.gamma),
        beta(p.beta),
        mean(p.mean),
        variance(p.variance),
        host{p.mean.f32(), p.variance.f32(), p.gamma.f32(), p.beta.f32()},
        device{mean.data(), variance.data(), gamma.data(), beta.data()} {}
};

using Statistics = void (*)(std::size_t, std::size_t, const float*, float*, float*);
constexpr Statistics kRungs[] = {gpu::batch_norm_statistics_naive,
                                 gpu::batch_norm_statistics_two_pass, gpu::batch_norm_statistics};

TEST_CASE("batch statistics on the device", "[gpu][batch_norm]") {
  for (const Size size : kSizes) {
    INFO(size.rows << " rows of " << size.c);
    const Problem p(size);
    const test::OnDevice x(p.x);
    for (const Statistics rung : kRungs) {
      test::OnDevice mean(p.vector), variance(p.vector);
      rung(size.rows, size.c, x.data(), mean.data(), variance.data());
      CHECK(test::difference(mean.tensor(), p.mean, 1e-6, 1e-6) == "");
      CHECK(test::difference(variance.tensor(), p.variance, 1e-5, 1e-6) == "");
    }
  }
}

TEST_CASE("statistics keep their digits far from zero", "[gpu][batch_norm]") {
  const Size size{3000, 4};
  Problem p(size);
  for (std::size_t i = 0; i < p.x.size(); ++i) p.x.f32()[i] = 1000 + 0.01f * p.dy.f32()[i];
  p.x.f32()[0] = 0;  // the first of its channel far from all others
  ref::batch_norm_statistics(size.rows, size.c, p.x.f32(), p.mean.f32(), p.variance.f32());
  const test::OnDevice x(p.x);
  test::OnDevice mean(p.vector), variance(p.vector);
  gpu::batch_norm_statistics(size.rows, size.c, x.data(), mean.data(), variance.data());
  CHECK(test::difference(mean.tensor(), p.mean, 1e-6, 0) == "");
  CHECK(test::difference(variance.tensor(), p.variance, 1e-3, 0) == "");
}

TEST_CASE("batch normalisation on the device", "[gpu][batch_norm]") {
  for (const Size size : kSizes) {
    const Problem p(size);
    const OnBoth channels(p);
    const test::OnDevice x(p.x), dy(p.dy);
    for (const Activation activation : kFused) {
      INFO(size.rows << " rows of " << size.c << ", activation " << static_cast<int>(activation));
      Tensor y(p.map), dx(p.map), dgamma(p.vector), dbeta(p.vector);
      test::OnDevice out(p.map), out_gamma(p.vector), out_beta(p.vector);
      ref::batch_norm(size.rows, size.c, channels.host, p.x.f32(), activation, y.f32());
      gpu::batch_norm(size.rows, size.c, channels.device, x.data(), activation, out.data());
      CHECK(test::difference(out.tensor(), y, 1e-5, 5e-5) == "");
      for (const bool batch : {true, false}) {
        ref::batch_norm_backward(size.rows, size.c, channels.host, p.x.f32(), p.dy.f32(),
                                 activation, batch, {dx.f32(), dgamma.f32(), dbeta.f32()});
        gpu::batch_norm_backward(size.rows, size.c, channels.device, x.data(), dy.data(),
                                 activation, batch,
                                 {out.data(), out_gamma.data(), out_beta.data()});
        CHECK(test::relative_error(out_gamma.tensor(), dgamma, 1e-5) == "");
        CHECK(test::relative_error(out_beta.tensor(), dbeta, 1e-5) == "");
        if (size.rows > 2) CHECK(test::relative_error(out.tensor(), dx, 1e-5) == "");
      }
    }
  }
}

TEST_CASE("batch normalisation of maps stored as bf16", "[gpu][batch_norm][bf16]") {
  for (const Size size : {Size{33, 7}, Size{70, 64}}) {
    Problem p(size);
    p.x = test::rounded<bf16>(p.x);
    p.dy = test::rounded<bf16>(p.dy);
    const test::OnDeviceBf16 x(p.x), dy(p.dy);
    ref::batch_norm_statistics(size.rows, size.c, p.x.f32(), p.mean.f32(), p.variance.f32());
    const OnBoth channels(p);
    test::OnDevice mean(p.vector), variance(p.vector), dgamma(p.vector), dbeta(p.vector);
    test::OnDeviceBf16 out(p.map);
    gpu::batch_norm_statistics(size.rows, size.c, x.data(), mean.data(), variance.data());
    CHECK(test::difference(mean.tensor(), p.mean, 1e-6, 1e-6) == "");
    CHECK(test::difference(variance.tensor(), p.variance, 3e-6, 1e-6) == "");

    Tensor y(p.map), dx(p.map), ref_gamma(p.vector), ref_beta(p.vector);
    ref::batch_norm(size.rows, size.c, channels.host, p.x.f32(), Activation::relu, y.f32());
    gpu::batch_norm(size.rows, size.c, channels.device, x.data(), Activation::relu, out.data());
    CHECK(test::difference(out.tensor(), y, test::tolerance<bf16>(1e-5), 1e-5) == "");
    ref::batch_norm_backward(size.rows, size.c, channels.host, p.x.f32(), p.dy.f32(),
                             Activation::relu, true, {dx.f32(), ref_gamma.f32(), ref_beta.f32()});
    gpu::batch_norm_backward(size.rows, size.c, channels.device, x.data(), dy.data(),
                             Activation::relu, true, out.data(), dgamma.data(), dbeta.data());
    CHECK(test::relative_error(dgamma.tensor(), ref_gamma, 1e-5) == "");
    CHECK(test::relative_error(dbeta.tensor(), ref_beta, 1e-5) == "");
    CHECK(test::relative_error(out.tensor(), dx, test::tolerance<bf16>(1e-5)) == "");
  }
}

TEST_CASE("batch normalisation reads and writes whole sectors", "[gpu][batch_norm]") {
  for (const Size size : {Size{512, 64}, Size{2048, 3}}) {
    const Problem p(size);
    const OnBoth channels(p);
    const test::OnDevice x(p.x), dy(p.dy);
    test::OnDevice out(p.map), mean(p.vector), variance(p.vector);
    INFO(size.c << " channels");
    test::check_sectors([&] {
      gpu::batch_norm_statistics(size.rows, size.c, x.data(), mean.data(), variance.data());
    });
    test::check_sectors([&] {
      gpu::batch_norm(size.rows, size.c, channels.device, x.data(), Activation::relu, out.data());
    });
    test::check_sectors([&] {
      gpu::batch_norm_backward(size.rows, size.c, channels.device, x.data(), dy.data(),
                               Activation::relu, true, {out.data(), mean.data(), variance.data()});
    });
  }
}

}  // namespace
}  // namespace tinct
