// Concatenation: the kernels of tinct::gpu against the plain loops.
#include "kernels/concat.h"

#include <catch2/catch.hpp>
#include <type_traits>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

template <class T>
void check(std::size_t rows, const std::vector<std::size_t>& channels) {
  std::size_t whole = 0;
  std::vector<Tensor> parts;
  std::vector<test::OnDeviceAs<T>> device_parts;
  std::vector<ConcatInputOf<T>> inputs;
  std::vector<ConcatInput> plain;
  for (const std::size_t c : channels) {
    parts.push_back(test::rounded<T>(test::random_tensor({1, 1, rows, c}, whole)));
    device_parts.emplace_back(parts.back());
    inputs.push_back({device_parts.back().data(), c});
    plain.push_back({parts.back().f32(), c});
    whole += c;
  }
  Tensor y({1, 1, rows, whole});
  ref::concat(rows, plain, y.f32());
  test::OnDeviceAs<T> joined(y.shape());
  gpu::concat(rows, inputs, joined.data());
  CHECK(test::difference(joined.tensor(), y, 0, 0) == "");

  // Back to where it came from, but for one that nobody wants.
  std::vector<test::OnDeviceAs<T>> split;
  std::vector<ConcatGradientOf<T>> gradients;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    split.emplace_back(parts[i].shape());
    gradients.push_back({i == 1 ? nullptr : split.back().data(), channels[i]});
  }
  gpu::concat_backward(rows, joined.data(), gradients);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 1) CHECK(test::difference(split[i].tensor(), parts[i], 0, 0) == "");
  }
}

TEMPLATE_TEST_CASE("concatenation on the device", "[gpu][concat]", float, bf16) {
  for (const std::size_t rows : {1, 2, 7, 31, 32, 33}) check<TestType>(rows, {3, 1, 5});
  check<TestType>(33, {64, 32, 8});
  check<TestType>(5, {8, 4, 7});
  check<TestType>(3, {7});
  check<TestType>(9, {8, 16, 8, 24, 8, 8, 8, 8, 16, 8});
  check<TestType>(9, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  // Wide inputs that begin at an odd place.
  check<TestType>(3, {1, 2, 3, 4, 5, 6, 7, 5, 8, 8, 8, 8, 8, 8, 8, 8, 7});
}

TEST_CASE("concatenation touches few sectors in vain", "[gpu]") {
  const test::OnDevice a(test::random_tensor({1, 1, 64, 64}, 1));
  const test::OnDevice b(test::random_tensor({1, 1, 64, 24}, 2));
  test::OnDevice y(Shape{1, 1, 64, 88}), da(Shape{1, 1, 64, 64}), db(Shape{1, 1, 64, 24});
  test::check_sectors([&] { gpu::concat(64, {{a.data(), 64}, {b.data(), 24}}, y.data()); });
  test::check_sectors([&] {
    gpu::concat_backward(64, y.data(), {{da.data(), 64}, {db.data(), 24}});
  });
}

}  // namespace
}  // namespace tinct
