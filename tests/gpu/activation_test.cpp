// Activations: the kernels of tinct::gpu against the plain loops.
#include "kernels/activation.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

constexpr Activation kAll[] = {Activation::none, Activation::relu, Activation::leaky_relu,
                               Activation::sigmoid, Activation::tanh};
constexpr std::size_t kSizes[] = {1, 2, 7, 31, 32, 33, 127, 1027};

TEMPLATE_TEST_CASE("activations on the device", "[gpu][activation]", float, bf16) {
  const double tolerance = test::tolerance<TestType>(1e-6);
  for (const Activation kind : kAll) {
    for (const std::size_t size : kSizes) {
      const Shape s{1, 1, 1, size};
      const Tensor x = test::rounded<TestType>(test::random_tensor(s, 1));
      const Tensor dy = test::rounded<TestType>(test::random_tensor(s, 2));
      Tensor y(s), dx(s);
      ref::activation(kind, size, x.f32(), y.f32());
      y = test::rounded<TestType>(y);
      ref::activation_backward(kind, size, y.f32(), dy.f32(), dx.f32());

      const test::OnDeviceAs<TestType> device_x(x), device_dy(dy), device_y(y);
      test::OnDeviceAs<TestType> out(s);
      gpu::activation(kind, size, device_x.data(), out.data());
      CHECK(test::difference(out.tensor(), y, tolerance, 1e-6) == "");
      gpu::activation_backward(kind, size, device_y.data(), device_dy.data(), out.data());
      CHECK(test::difference(out.tensor(), dx, tolerance, 1e-6) == "");
    }
  }
}

}  // namespace
}  // namespace tinct
