// Filling and adding on the device.
#include "core/arithmetic.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

TEST_CASE("fill and accumulate on the device", "[gpu][arithmetic]") {
  for (const std::size_t size : {1, 2, 3, 4, 7, 31, 32, 33, 1027}) {
    const Shape s{1, 1, 1, size};
    test::OnDevice out(s);
    gpu::fill(size, 3, out.data());
    CHECK(test::difference(out.tensor(), Tensor::full(s, 3), 0, 0) == "");

    const Tensor a = test::random_tensor(s, 1), b = test::random_tensor(s, 2);
    Tensor sum(s);
    for (std::size_t i = 0; i < size; ++i) sum.f32()[i] = a.f32()[i] + b.f32()[i];
    test::OnDevice device_a(a);
    const test::OnDevice device_b(b);
    gpu::accumulate(size, device_a.data(), device_b.data(), out.data());
    CHECK(test::difference(out.tensor(), sum, 0, 0) == "");
    gpu::accumulate(size, device_a.data(), device_b.data(), device_a.data());
    CHECK(test::difference(device_a.tensor(), sum, 0, 0) == "");
  }
}

}  // namespace
}  // namespace tinct
