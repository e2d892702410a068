// The reduction ladder: every rung against a plain sum.
#include "kernels/sum_of_squares.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

TEST_CASE("sums of squares on the device", "[gpu][sum]") {
  for (const std::size_t count : {1, 2, 7, 31, 32, 33, 255, 257, 10001}) {
    const Tensor x = test::random_tensor({1, 1, 1, count}, 1);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += double{x.f32()[i]} * x.f32()[i];
    const test::OnDevice device_x(x);
    for (const auto rung :
         {gpu::sum_of_squares_tree, gpu::sum_of_squares_shuffle, gpu::sum_of_squares}) {
      CHECK(rung(count, device_x.data()) == Approx(sum).epsilon(1e-13));
    }
  }
}

TEST_CASE("sums of squares read whole sectors", "[gpu][sum]") {
  const test::OnDevice x(test::random_tensor({1, 1, 1, 4096}, 1));
  test::check_sectors([&] { gpu::sum_of_squares(4096, x.data()); });
}

}  // namespace
}  // namespace tinct
