// Addition and scaling: the kernels of tinct::gpu against the plain loops.
#include "kernels/add.h"

#include <catch2/catch.hpp>

#include "kernels/activation.h"
#include "kernels/scale.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 7, 31, 32, 33, 127, 1027};

TEMPLATE_TEST_CASE("addition on the device", "[gpu][add]", float, bf16) {
  for (const Activation activation :
       {Activation::none, Activation::relu, Activation::leaky_relu, Activation::tanh}) {
    for (const std::size_t size : kSizes) {
      const Shape s{1, 1, 1, size};
      const Tensor a = test::rounded<TestType>(test::random_tensor(s, 1));
      const Tensor b = test::rounded<TestType>(test::random_tensor(s, 2));
      Tensor y(s);
      ref::add(size, a.f32(), b.f32(), activation, y.f32());
      const test::OnDeviceAs<TestType> device_a(a), device_b(b);
      test::OnDeviceAs<TestType> out(s);
      gpu::add(size, device_a.data(), device_b.data(), activation, out.data());
      CHECK(test::difference(out.tensor(), y, test::tolerance<TestType>(1e-6), 1e-6) == "");
    }
  }
}

TEMPLATE_TEST_CASE("scaling on the device", "[gpu][scale]", float, bf16) {
  for (const std::size_t size : kSizes) {
    const Shape s{1, 1, 1, size};
    const Tensor x = test::rounded<TestType>(test::random_tensor(s, 3));
    Tensor y(s);
    ref::scale(size, -2.25f, x.f32(), y.f32());
    test::OnDeviceAs<TestType> data(x);
    gpu::scale(size, -2.25f, data.data(), data.data());
    CHECK(test::difference(data.tensor(), y, test::tolerance<TestType>(0), 0) == "");
  }
}

TEMPLATE_TEST_CASE("elementwise kernels touch few sectors in vain", "[gpu]", float, bf16) {
  constexpr std::size_t kSize = 4099;
  const Shape s{1, 1, 1, kSize};
  const test::OnDeviceAs<TestType> a(test::random_tensor(s, 1)), b(test::random_tensor(s, 2));
  test::OnDeviceAs<TestType> y(s);
  const Activation relu = Activation::relu;
  test::check_sectors([&] { gpu::add(kSize, a.data(), b.data(), relu, y.data()); });
  test::check_sectors([&] { gpu::scale(kSize, 2, a.data(), y.data()); });
  test::check_sectors([&] { gpu::activation(relu, kSize, a.data(), y.data()); });
  test::check_sectors([&] { gpu::activation_backward(relu, kSize, a.data(), b.data(), y.data()); });
}

}  // namespace
}  // namespace tinct
