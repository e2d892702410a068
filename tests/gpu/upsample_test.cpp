// Resizing: the kernels of tinct::gpu against the plain loops.
#include <catch2/catch.hpp>

#include "kernels/bilinear_upsample.h"
#include "kernels/nearest_upsample.h"
#include "kernels/shifted_upsample.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr Align kAligns[] = {Align::half_pixel, Align::corners, Align::legacy};

struct Resize {
  Shape x;
  std::size_t oh, ow;

  Shape y() const { return {x.n, oh, ow, x.c}; }
};

const Resize kResizes[] = {
    {{1, 1, 1, 3}, 7, 2},   {{1, 2, 7, 1}, 4, 14},   {{2, 7, 2, 8}, 14, 4},
    {{1, 31, 3, 4}, 62, 6}, {{1, 3, 33, 5}, 12, 32}, {{1, 32, 2, 16}, 33, 16},
    {{2, 5, 7, 7}, 1, 1},   {{1, 2, 2, 8}, 31, 32},  {{1, 9, 33, 2}, 4, 7},
    {{3, 4, 4, 24}, 4, 4},
};

template <class T>
using Forward = void (*)(const Shape&, std::size_t, std::size_t, Align, const T*, T*);

template <class T>
void check_bilinear(const Resize& r, Align align, Forward<T> forward, Forward<T> backward) {
  INFO(to_string(r.x) << " to " << to_string(r.y()) << ", alignment " << static_cast<int>(align));
  const Tensor x = test::rounded<T>(test::random_tensor(r.x, 1));
  const Tensor dy = test::rounded<T>(test::random_tensor(r.y(), 2));
  Tensor y(r.y()), dx(r.x);
  ref::bilinear_upsample(r.x, r.oh, r.ow, align, x.f32(), y.f32());
  ref::bilinear_upsample_backward(r.x, r.oh, r.ow, align, dy.f32(), dx.f32());
  const test::OnDeviceAs<T> device_x(x), device_dy(dy);
  test::OnDeviceAs<T> out(r.y()), device_dx(r.x);
  forward(r.x, r.oh, r.ow, align, device_x.data(), out.data());
  CHECK(test::difference(out.tensor(), y, test::tolerance<T>(2e-6), 2e-6) == "");
  backward(r.x, r.oh, r.ow, align, device_dy.data(), device_dx.data());
  CHECK(test::difference(device_dx.tensor(), dx, test::tolerance<T>(2e-6), 1e-5) == "");
}

TEMPLATE_TEST_CASE("bilinear resizing on the device", "[gpu][bilinear_upsample]", float, bf16) {
  for (const Resize& r : kResizes) {
    for (const Align align : kAligns) {
      check_bilinear<TestType>(r, align, gpu::bilinear_upsample, gpu::bilinear_upsample_backward);
    }
  }
}

TEST_CASE("bilinear resizing on the device: the first rungs", "[gpu][bilinear_upsample]") {
  for (const Resize& r : kResizes) {
    check_bilinear<float>(r, Align::half_pixel, gpu::bilinear_upsample_naive,
                          gpu::bilinear_upsample_backward_naive);
    check_bilinear<float>(r, Align::legacy, gpu::bilinear_upsample_packs,
                          gpu::bilinear_upsample_backward_packs);
  }
}

TEST_CASE("bilinear resizing on the device refuses what it cannot count", "[gpu]") {
  float none = 0;
  CHECK_THROWS_AS(gpu::bilinear_upsample({1, 40000, 1, 1}, 1, 1, Align::corners, &none, &none),
                  std::invalid_argument);
}

TEMPLATE_TEST_CASE("nearest resizing on the device", "[gpu][nearest_upsample]", float, bf16) {
  for (const Resize& r : kResizes) {
    INFO(to_string(r.x) << " to " << to_string(r.y()));
    const Tensor x = test::rounded<TestType>(test::random_tensor(r.x, 3));
    const Tensor dy = test::rounded<TestType>(test::random_tensor(r.y(), 4));
    Tensor y(r.y()), dx(r.x);
    ref::nearest_upsample(r.x, r.oh, r.ow, x.f32(), y.f32());
    ref::nearest_upsample_backward(r.x, r.oh, r.ow, dy.f32(), dx.f32());
    const test::OnDeviceAs<TestType> device_x(x), device_dy(dy);
    test::OnDeviceAs<TestType> out(r.y()), device_dx(r.x);
    gpu::nearest_upsample(r.x, r.oh, r.ow, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), y, 0, 0) == "");
    gpu::nearest_upsample_backward(r.x, r.oh, r.ow, device_dy.data(), device_dx.data());
    CHECK(test::difference(device_dx.tensor(), dx, test::tolerance<TestType>(1e-6), 1e-5) == "");
  }
}

void check_shifted(const ShiftedUpsample& s) {
  const Shape products{1, s.h, s.w, s.kernel * s.kernel * s.c}, sums{1, s.oh, s.ow, s.y_pixel};
  const Tensor g = test::random_tensor(products, 5), dy = test::random_tensor(sums, 6);
  Tensor y = test::random_tensor(sums, 7), dg(products);
  test::OnDevice out(y), device_dg(products);
  const test::OnDevice device_g(g), device_dy(dy);
  ref::add_shifted_upsample(s, g.f32(), y.f32());
  ref::shifted_upsample_backward(s, dy.f32(), dg.f32());
  gpu::add_shifted_upsample(s, device_g.data(), out.data());
  CHECK(test::difference(out.tensor(), y, 5e-6, 5e-6) == "");
  gpu::shifted_upsample_backward(s, device_dy.data(), device_dg.data());
  CHECK(test::difference(device_dg.tensor(), dg, 5e-6, 1e-5) == "");
}

TEST_CASE("sums of shifted and upsampled products on the device", "[gpu][shifted_upsample]") {
  check_shifted({1, 1, 2, 1, 3, 3, 3, Align::half_pixel});
  check_shifted({4, 7, 8, 14, 3, 5, 7, Align::half_pixel});
  check_shifted({3, 5, 12, 20, 3, 8, 16, Align::legacy});
  check_shifted({5, 4, 9, 7, 5, 4, 4, Align::corners});
  check_shifted({8, 2, 31, 2, 1, 2, 3, Align::corners});
  check_shifted({3, 2, 24, 16, 3, 4, 4, Align::half_pixel});
}

TEST_CASE("resizing touches few sectors in vain", "[gpu]") {
  const Resize r{{1, 16, 16, 64}, 32, 32};
  const test::OnDevice x(test::random_tensor(r.x, 1)), dy(test::random_tensor(r.y(), 2));
  test::OnDevice y(r.y()), dx(r.x);
  const Align align = Align::half_pixel;
  test::check_sectors([&] { gpu::bilinear_upsample(r.x, 32, 32, align, x.data(), y.data()); });
  test::check_sectors(
      [&] { gpu::bilinear_upsample_backward(r.x, 32, 32, align, dy.data(), dx.data()); });
  test::check_sectors([&] { gpu::nearest_upsample(r.x, 32, 32, x.data(), y.data()); });
  test::check_sectors([&] { gpu::nearest_upsample_backward(r.x, 32, 32, dy.data(), dx.data()); });
  const ShiftedUpsample s{4, 4, 16, 16, 3, 16, 64, align};
  const test::OnDevice g(test::random_tensor({1, 4, 4, 9 * 16}, 3));
  test::OnDevice dg(Shape{1, 4, 4, 9 * 16});
  test::OnDevice sum(test::random_tensor({1, 16, 16, 64}, 4));
  test::check_sectors([&] { gpu::add_shifted_upsample(s, g.data(), sum.data()); });
  test::check_sectors([&] { gpu::shifted_upsample_backward(s, sum.data(), dg.data()); });
}

}  // namespace
}  // namespace tinct
