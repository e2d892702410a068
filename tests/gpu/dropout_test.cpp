// Dropout: the kernels of tinct::gpu keep the same elements as the plain loops.
#include "kernels/dropout.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

TEMPLATE_TEST_CASE("dropout on the device", "[gpu][dropout]", float, bf16) {
  const Random random(7, Purpose::dropout, 3, 2);
  for (const std::size_t size : {1, 2, 7, 31, 32, 33, 1027}) {
    for (const float rate : {0.0f, 0.3f, 0.5f}) {
      const Tensor x = test::rounded<TestType>(test::random_tensor({1, 1, 1, size}, 1));
      Tensor y(x.shape());
      ref::dropout(random, rate, size, x.f32(), y.f32());
      test::OnDeviceAs<TestType> data(x);
      gpu::dropout(random, rate, size, data.data(), data.data());
      CHECK(test::difference(data.tensor(), test::rounded<TestType>(y), 0, 0) == "");
    }
  }
}

TEMPLATE_TEST_CASE("dropout of channels on the device", "[gpu][dropout]", float, bf16) {
  const Random random(8, Purpose::dropout, 1, 5);
  for (const std::size_t c : {1, 2, 7, 31, 32, 33}) {
    const Tensor x = test::rounded<TestType>(test::random_tensor({3, 1, 5, c}, 1));
    Tensor y(x.shape());
    ref::channel_dropout(random, 0.5f, 3, 5, c, x.f32(), y.f32());
    const test::OnDeviceAs<TestType> device_x(x);
    test::OnDeviceAs<TestType> out(x.shape());
    gpu::channel_dropout(random, 0.5f, 3, 5, c, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), test::rounded<TestType>(y), 0, 0) == "");
  }
}

TEST_CASE("dropout touches few sectors in vain", "[gpu]") {
  const Random random(9, Purpose::dropout);
  const test::OnDevice x(test::random_tensor({2, 8, 8, 32}, 1));
  test::OnDevice y(Shape{2, 8, 8, 32});
  test::check_sectors([&] { gpu::dropout(random, 0.5f, 4096, x.data(), y.data()); });
  test::check_sectors([&] { gpu::channel_dropout(random, 0.5f, 2, 64, 32, x.data(), y.data()); });
}

}  // namespace
}  // namespace tinct
