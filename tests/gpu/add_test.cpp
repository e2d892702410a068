// Addition and scaling: the kernels of tinct::gpu against the plain loops.
#include "kernels/add.h"

#include <catch2/catch.hpp>

#include "kernels/scale.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"

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

}  // namespace
}  // namespace tinct
