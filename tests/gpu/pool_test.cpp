// Pooling: the kernels of tinct::gpu against the plain loops.
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

PoolWindow window(std::size_t kernel, std::size_t stride, std::size_t pad, bool ceil = false) {
  return {kernel, kernel, stride, stride, pad, pad, pad, pad, ceil};
}

std::vector<PoolShape> shapes() {
  const PoolWindow halves = window(2, 2, 0);
  std::vector<PoolShape> all;
  for (const std::size_t size : {2, 7, 32, 33}) all.push_back({{1, size, 9, 3}, halves});
  for (const std::size_t size : {2, 31, 32}) all.push_back({{2, 4, size, 16}, halves});
  all.push_back({{1, 7, 9, 8}, window(2, 2, 0, true)});
  all.push_back({{2, 11, 7, 24}, window(3, 2, 1)});
  all.push_back({{1, 1, 1, 5}, window(3, 1, 1)});
  all.push_back({{1, 6, 13, 7}, {3, 5, 1, 2, 1, 0, 0, 4, false}});
  all.push_back({{3, 5, 8, 4}, {2, 3, 4, 1, 0, 2, 1, 1, true}});
  return all;
}

template <class T>
void check_max_pool(const PoolShape& s) {
  const Tensor x = test::rounded<T>(test::random_tensor(s.x, 1));
  const Tensor dy = test::rounded<T>(test::random_tensor(s.y(), 2));
  Tensor y(s.y()), dx(s.x);
  std::vector<std::uint8_t> which(s.y().size()), chosen(which.size());
  ref::max_pool(s, x.f32(), y.f32(), which.data());
  ref::max_pool_backward(s, which.data(), dy.f32(), dx.f32());

  const test::OnDeviceAs<T> device_x(x), device_dy(dy);
  test::OnDeviceAs<T> out(s.y()), alone(s.y()), device_dx(s.x);
  device::Array<std::uint8_t> device_which(which.size());
  gpu::max_pool(s, device_x.data(), out.data(), device_which.data());
  gpu::max_pool(s, device_x.data(), alone.data(), nullptr);
  device_which.to_host(chosen.data());
  CHECK(test::difference(out.tensor(), y, 0, 0) == "");
  CHECK(test::difference(alone.tensor(), y, 0, 0) == "");
  CHECK(chosen == which);
  gpu::max_pool_backward(s, device_which.data(), device_dy.data(), device_dx.data());
  CHECK(test::difference(device_dx.tensor(), dx, test::tolerance<T>(1e-6), 1e-6) == "");
}

TEMPLATE_TEST_CASE("max pooling on the device", "[gpu][max_pool]", float, bf16) {
  for (const PoolShape& s : shapes()) {
    INFO(to_string(s.x) << " to " << to_string(s.y()));
    check_max_pool<TestType>(s);
  }
}

TEST_CASE("max pooling on the device: the first of equals, the last NaN", "[gpu][max_pool]") {
  const PoolShape s{{1, 2, 4, 1}, window(2, 2, 0)};
  Tensor x(s.x);
  const float values[] = {3, 3, NAN, 2, 1, 3, NAN, 5};
  std::copy(std::begin(values), std::end(values), x.f32());
  const test::OnDevice device_x(x);
  test::OnDevice y(s.y());
  device::Array<std::uint8_t> which(2);
  gpu::max_pool(s, device_x.data(), y.data(), which.data());
  std::uint8_t chosen[2];
  which.to_host(chosen);
  CHECK(chosen[0] == 0);
  CHECK(chosen[1] == 2);
  CHECK(y.tensor().f32()[0] == 3);
  CHECK(std::isnan(y.tensor().f32()[1]));
}

template <class T>
void check_average_pool(const PoolShape& s, bool count_include_pad) {
  const Tensor x = test::rounded<T>(test::random_tensor(s.x, 3));
  const Tensor dy = test::rounded<T>(test::random_tensor(s.y(), 4));
  Tensor y(s.y()), dx(s.x);
  ref::average_pool(s, count_include_pad, x.f32(), y.f32());
  ref::average_pool_backward(s, count_include_pad, dy.f32(), dx.f32());
  const test::OnDeviceAs<T> device_x(x), device_dy(dy);
  test::OnDeviceAs<T> out(s.y()), device_dx(s.x);
  gpu::average_pool(s, count_include_pad, device_x.data(), out.data());
  CHECK(test::difference(out.tensor(), y, test::tolerance<T>(1e-6), 1e-6) == "");
  gpu::average_pool_backward(s, count_include_pad, device_dy.data(), device_dx.data());
  CHECK(test::difference(device_dx.tensor(), dx, test::tolerance<T>(1e-6), 1e-6) == "");
}

TEMPLATE_TEST_CASE("average pooling on the device", "[gpu][average_pool]", float, bf16) {
  for (const PoolShape& s : shapes()) {
    INFO(to_string(s.x) << " to " << to_string(s.y()));
    check_average_pool<TestType>(s, false);
    check_average_pool<TestType>(s, true);
  }
}

TEMPLATE_TEST_CASE("global average pooling on the device", "[gpu][average_pool]", float, bf16) {
  const Shape shapes[] = {{1, 1, 1, 1},  {2, 7, 2, 3},    {1, 31, 33, 7},
                          {3, 2, 1, 32}, {1, 7, 32, 136}, {2, 1, 9, 257}};
  for (const Shape& s : shapes) {
    INFO(to_string(s));
    const Shape channels{s.n, 1, 1, s.c};
    const Tensor x = test::rounded<TestType>(test::random_tensor(s, 5));
    const Tensor dy = test::rounded<TestType>(test::random_tensor(channels, 6));
    Tensor y(channels), dx(s);
    ref::global_average_pool(s, x.f32(), y.f32());
    ref::global_average_pool_backward(s, dy.f32(), dx.f32());
    const test::OnDeviceAs<TestType> device_x(x), device_dy(dy);
    test::OnDeviceAs<TestType> out(channels), device_dx(s);
    gpu::global_average_pool(s, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), y, test::tolerance<TestType>(1e-6), 1e-6) == "");
    gpu::global_average_pool_backward(s, device_dy.data(), device_dx.data());
    CHECK(test::difference(device_dx.tensor(), dx, test::tolerance<TestType>(1e-6), 1e-6) == "");
  }
}

TEST_CASE("pooling touches few sectors in vain", "[gpu]") {
  const PoolShape s{{1, 16, 16, 64}, window(2, 2, 0)};
  const test::OnDevice x(test::random_tensor(s.x, 1)), dy(test::random_tensor(s.y(), 2));
  test::OnDevice y(s.y()), dx(s.x);
  device::Array<std::uint8_t> which(s.y().size());
  test::check_sectors([&] { gpu::max_pool(s, x.data(), y.data(), which.data()); });
  test::check_sectors([&] { gpu::max_pool_backward(s, which.data(), dy.data(), dx.data()); });
  test::check_sectors([&] { gpu::average_pool(s, false, x.data(), y.data()); });
  test::check_sectors([&] { gpu::average_pool_backward(s, false, dy.data(), dx.data()); });
  test::check_sectors([&] { gpu::global_average_pool(s.x, x.data(), y.data()); });
  test::check_sectors([&] { gpu::global_average_pool_backward(s.x, y.data(), dx.data()); });
}

}  // namespace
}  // namespace tinct
