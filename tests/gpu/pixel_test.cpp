// Small operations on pixels and running figures: the kernels of tinct::gpu against the CPU's.
#include <catch2/catch.hpp>

#include "kernels/move_towards.h"
#include "kernels/neutral_rgb.h"
#include "kernels/pixel_affine.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 7, 31, 32, 33, 127, 1027};

TEST_CASE("grey RGB of a lightness on the device", "[gpu][neutral_rgb]") {
  for (const std::size_t size : kSizes) {
    Tensor x = test::random_tensor({1, 1, size, 1}, 1);
    for (std::size_t i = 0; i < size; ++i) x.f32()[i] *= 1.2f;  // some outside 0..100
    Tensor rgb({1, 1, size, 3});
    cpu::neutral_rgb(size, x.f32(), rgb.f32());
    const test::OnDevice device_x(x);
    test::OnDevice out(rgb.shape());
    gpu::neutral_rgb(size, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), rgb, 0, 2e-6) == "");
  }
}

TEST_CASE("pixels as channels on the device", "[gpu][neutral_rgb]") {
  for (const auto& [s, side] :
       {std::pair{Shape{1, 4, 4, 1}, 4}, std::pair{Shape{2, 6, 9, 1}, 3},
        std::pair{Shape{3, 4, 10, 1}, 2}, std::pair{Shape{1, 3, 2, 1}, 1}}) {
    const auto edge = static_cast<std::size_t>(side);
    const Tensor x = test::random_tensor(s, 1);
    Tensor y({s.n, s.h / edge, s.w / edge, edge * edge});
    cpu::space_to_depth(s, edge, x.f32(), y.f32());
    const test::OnDevice device_x(x);
    test::OnDevice out(y.shape());
    gpu::space_to_depth(s, edge, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), y, 0, 0) == "");
  }
}

void check(const PixelAffine& map, std::size_t pixels, bool with_added) {
  const Tensor x = test::random_tensor({1, 1, pixels, map.in}, 1);
  const Tensor added = test::random_tensor({1, 1, pixels, 1}, 2);
  const Tensor dy = test::random_tensor({1, 1, pixels, map.out}, 3);
  Tensor y(dy.shape()), dx(x.shape());
  cpu::pixel_affine(map, pixels, x.f32(), with_added ? added.f32() : nullptr, y.f32());
  cpu::pixel_affine_backward(map, pixels, y.f32(), dy.f32(), dx.f32());
  const test::OnDevice device_x(x), device_added(added), device_y(y), device_dy(dy);
  test::OnDevice out(y.shape()), device_dx(x.shape());
  gpu::pixel_affine(map, pixels, device_x.data(), with_added ? device_added.data() : nullptr,
                    out.data());
  CHECK(test::difference(out.tensor(), y, 1e-6, 1e-6) == "");
  gpu::pixel_affine_backward(map, pixels, device_y.data(), device_dy.data(), device_dx.data());
  CHECK(test::difference(device_dx.tensor(), dx, 1e-6, 1e-6) == "");
}

TEST_CASE("small matrices over pixels on the device", "[gpu][pixel_affine]") {
  for (const std::size_t pixels : kSizes) {
    for (const bool clip : {false, true}) {
      check({2, 3, {{{0, 1.4f}, {-.3f, -.7f}, {1.8f, .1f}}}, {.1f, .2f, .3f}, clip}, pixels, true);
      check({3, 2, {{{-.2f, -.3f, .5f}, {.5f, -.4f, -.1f}}}, {.5f, .5f}, clip}, pixels, false);
      check({3, 3, {{{0, 0, 2}, {0, 3, 0}, {4, 0, 0}}}, {-.5f, .5f, 0}, clip}, pixels, false);
      check({2, 2, {{{1, 2}, {3, 4}}}, {0, .5f}, clip}, pixels, false);
    }
  }
}

TEST_CASE("running figures on the device", "[gpu][move_towards]") {
  for (const std::size_t size : kSizes) {
    const Tensor x = test::random_tensor({1, 1, 1, size}, 1);
    Tensor running = test::random_tensor(x.shape(), 2);
    const test::OnDevice device_x(x);
    test::OnDevice device_running(running);
    cpu::move_towards(size, x.f32(), 0.1f, 1.25, running.f32());
    gpu::move_towards(size, device_x.data(), 0.1f, 1.25, device_running.data());
    CHECK(test::difference(device_running.tensor(), running, 1e-6, 1e-6) == "");
  }
}

TEST_CASE("small matrices over pixels touch few sectors in vain", "[gpu]") {
  const test::OnDevice two(test::random_tensor({1, 1, 1027, 2}, 1));
  const test::OnDevice added(test::random_tensor({1, 1, 1027, 1}, 2));
  test::OnDevice three(Shape{1, 1, 1027, 3}), back(Shape{1, 1, 1027, 2});
  PixelAffine map;
  map.in = 2, map.clip = true;
  test::check_sectors(
      [&] { gpu::pixel_affine(map, 1027, two.data(), added.data(), three.data()); });
  test::check_sectors(
      [&] { gpu::pixel_affine_backward(map, 1027, three.data(), three.data(), back.data()); });
}

}  // namespace
}  // namespace tinct
