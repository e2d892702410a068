// Squares brought to one size on the device: the host's bits.
#include "kernels/resample_squares.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "core/simt/device.h"
#include "kernels/cast.h"
#include "kernels/levels.h"
#include "kernels/scale.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes noise(std::size_t count, std::uint64_t seed) {
  const Random random(seed, Purpose::test);
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(random.below(i, 256));
  }
  return bytes;
}

TEST_CASE("a square that shrinks to a half is weighed 1 3 3 1, and mirrored when asked") {
  Bytes rgb(4 * 4 * 3);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    rgb[i] = static_cast<std::uint8_t>(16 * (i / 3 % 4));  // rises along each row
  }
  Bytes out(2 * 2 * 2 * 3);
  cpu::resample_squares({{rgb.data(), 4, false}, {rgb.data(), 4, true}}, 2, out.data());
  // (3 * 0 + 3 * 16 + 32) / 7 and (16 + 3 * 32 + 3 * 48) / 7, rounded.
  const Bytes row = {11, 11, 11, 37, 37, 37}, mirrored = {37, 37, 37, 11, 11, 11};
  CHECK(Bytes(out.begin(), out.begin() + 6) == row);
  CHECK(Bytes(out.begin() + 6, out.begin() + 12) == row);
  CHECK(Bytes(out.begin() + 12, out.begin() + 18) == mirrored);
}

TEST_CASE("squares on the device are the host's bits", "[gpu][resample]") {
  for (const std::size_t crop : {1, 7, 32, 45}) {
    std::vector<Bytes> pictures;
    std::vector<device::Array<std::uint8_t>> there;
    std::vector<Square> host, device;
    // More than a launch takes, at every third side from much smaller to much larger.
    for (std::size_t i = 0; i < 35; ++i) {
      const std::size_t side = 1 + 3 * i;
      pictures.push_back(noise(side * side * 3, i));
      there.emplace_back(pictures.back().data(), pictures.back().size());
      host.push_back({pictures.back().data(), side, i % 2 == 1});
      device.push_back({there.back().data(), side, i % 2 == 1});
    }
    Bytes expected(host.size() * crop * crop * 3), got(expected.size());
    cpu::resample_squares(host, crop, expected.data());
    device::Array<std::uint8_t> out(expected.size());
    gpu::resample_squares(device, crop, out.data());
    out.to_host(got.data());
    CHECK(got == expected);
  }
}

TEST_CASE("levels as numbers, and numbers scaled and shifted, on the device", "[gpu]") {
  for (const std::size_t size : {1, 2, 7, 31, 32, 33, 127, 1027}) {
    const Shape s{1, 1, 1, size};
    const Bytes levels = noise(size, size);
    Tensor expected(s);
    cpu::from_levels(size, levels.data(), expected.f32());
    CHECK(expected.f32()[0] == static_cast<float>(levels[0]) / 255);
    const device::Array<std::uint8_t> from(levels.data(), size);
    test::OnDevice to(s);
    gpu::from_levels(size, from.data(), to.data());
    CHECK(test::difference(to.tensor(), expected, 0, 0) == "");

    const Tensor x = test::random_tensor(s, 3);
    cpu::scale_shift(size, 0.02f, -1, x.f32(), expected.f32());
    CHECK(std::abs(expected.f32()[0] - (0.02f * x.f32()[0] - 1)) <= 1e-7f);
    const test::OnDevice there(x);
    gpu::scale_shift(size, 0.02f, -1, there.data(), to.data());
    CHECK(test::difference(to.tensor(), expected, 0, 1.2e-7) == "");
  }
}

TEST_CASE("levels, shifts and casts touch whole sectors", "[gpu]") {
  constexpr std::size_t kSize = 4096;
  const Bytes levels = noise(kSize, 1);
  const device::Array<std::uint8_t> from(levels.data(), kSize);
  test::OnDevice to(Shape{1, 1, 1, kSize});
  test::OnDeviceBf16 narrow(Shape{1, 1, 1, kSize});
  test::check_sectors([&] { gpu::from_levels(kSize, from.data(), to.data()); });
  test::check_sectors([&] { gpu::scale_shift(kSize, 2, 1, to.data(), to.data()); });
  test::check_sectors([&] { gpu::cast(kSize, to.data(), narrow.data()); });
  test::check_sectors([&] { gpu::cast(kSize, narrow.data(), to.data()); });
}

}  // namespace
}  // namespace tinct
