// Columns of matrices: the kernels of tinct::gpu against the CPU's.
#include "kernels/columns.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"

namespace tinct {
namespace {

TEST_CASE("columns copied and added on the device", "[gpu][columns]") {
  const Columns cases[] = {{1, 1, 1, 0, 1, 0},       {7, 3, 5, 2, 4, 1},   {33, 31, 40, 9, 31, 0},
                           {9, 33, 33, 0, 70, 37},   {127, 4, 4, 0, 8, 4}, {5, 6, 0, 0, 6, 0},
                           {2, 130, 130, 0, 130, 0}, {0, 3, 3, 0, 3, 0}};
  for (const Columns& c : cases) {
    const Tensor in =
        test::random_tensor({1, 1, c.rows + 1, std::max<std::size_t>(c.in_wide, 6)}, 1);
    Tensor out = test::random_tensor({1, 1, c.rows + 1, c.out_wide}, 2);
    const test::OnDevice device_in(in);
    test::OnDevice device_out(out);
    cpu::copy_columns(c, in.f32(), out.f32());
    gpu::copy_columns(c, device_in.data(), device_out.data());
    CHECK(test::difference(device_out.tensor(), out, 0, 0) == "");
    cpu::add_columns(c, in.f32(), out.f32());
    gpu::add_columns(c, device_in.data(), device_out.data());
    CHECK(test::difference(device_out.tensor(), out, 0, 0) == "");
  }
}

TEST_CASE("rows summed on the device", "[gpu][columns]") {
  for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{7, 3}, std::pair{1000, 33}}) {
    const auto r = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(columns);
    const Tensor in = test::random_tensor({1, 1, r, c}, 1);
    Tensor sum({1, 1, 1, c});
    cpu::sum_rows(r, c, in.f32(), sum.f32());
    const test::OnDevice device_in(in);
    test::OnDevice out(sum.shape());
    gpu::sum_rows(r, c, device_in.data(), out.data());
    CHECK(test::difference(out.tensor(), sum, 1e-5, 1e-5) == "");
  }
}

}  // namespace
}  // namespace tinct
