// Casts: the kernels of tinct::gpu round as the CPU does.
#include "kernels/cast.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

TEST_CASE("bf16 keeps eight bits, to the nearest, ties to even") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1,     -2.5f,   1 + 0x1p-8f, 1 + 0x1p-7f, 1 + 3 * 0x1p-8f,
                                3e38f, 3.4e38f, 1e-40f,      infinity};
  const std::vector<float> expected = {1,           -2.5f,    1,         1 + 0x1p-7f, 1 + 0x1p-6f,
                                       0x1.c4p127f, infinity, 0x1p-133f, infinity};
  std::vector<bf16> narrow(x.size());
  std::vector<float> wide(x.size());
  cpu::cast(x.size(), x.data(), narrow.data());
  cpu::cast(x.size(), narrow.data(), wide.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    INFO(x[i] << " became " << wide[i]);
    CHECK(wide[i] == expected[i]);
  }
  const float nan = std::nanf("");
  cpu::cast(1, &nan, narrow.data());
  cpu::cast(1, narrow.data(), wide.data());
  CHECK(std::isnan(wide[0]));
}

TEST_CASE("casts on the device are the host's bits", "[gpu][cast]") {
  for (const std::size_t size : {1, 2, 7, 31, 32, 33, 127, 1027}) {
    const Tensor x = test::random_tensor({1, 1, 1, size}, size);
    std::vector<bf16> narrow(size);
    Tensor expected(x.shape());
    cpu::cast(size, x.f32(), narrow.data());
    cpu::cast(size, narrow.data(), expected.f32());

    const test::OnDevice from(x);
    test::OnDeviceBf16 there(x.shape());
    test::OnDevice back(x.shape());
    gpu::cast(size, from.data(), there.data());
    CHECK(test::difference(there.tensor(), expected, 0, 0) == "");
    gpu::cast(size, there.data(), back.data());
    CHECK(test::difference(back.tensor(), expected, 0, 0) == "");
  }
}

}  // namespace
}  // namespace tinct
