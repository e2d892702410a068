// Colour as classes: the kernels of tinct::gpu against the host's.
#include "kernels/ab_bins.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 7, 31, 32, 33, 300};

// Colours all over the plane, some of them on bins and half-way between two and four.
Tensor colours(std::size_t pixels) {
  Tensor ab = test::random_tensor({1, 1, pixels, 2}, 1);
  for (std::size_t i = 0; i < ab.size(); ++i) {
    ab.f32()[i] *= 120;
    if (i < 20) ab.f32()[i] = static_cast<float>(5 * (i % 7));
  }
  return ab;
}

TEST_CASE("soft encoding on the device", "[gpu][bins]") {
  const std::vector<float> bins = zhang_bins();
  const device::Array<float> device_bins(bins.data(), bins.size());
  for (const std::size_t pixels : kSizes) {
    const Tensor ab = colours(pixels);
    const test::OnDevice device_ab(ab);
    for (const std::size_t k : {1, 3, 5, 10}) {
      const Shape s{1, 1, pixels, k};
      Tensor index(s), weight(s);
      soft_encode(313, bins.data(), pixels, ab.f32(), k, 5, index.f32(), weight.f32());
      test::OnDevice out_index(s), out_weight(s);
      gpu::soft_encode(313, device_bins.data(), pixels, device_ab.data(), k, 5, out_index.data(),
                       out_weight.data());
      CHECK(test::difference(out_index.tensor(), index, 0, 0) == "");
      CHECK(test::difference(out_weight.tensor(), weight, 1e-5, 1e-7) == "");
    }
  }
}

TEST_CASE("the annealed mean on the device", "[gpu][bins]") {
  const std::vector<float> all = full_grid_bins();
  const device::Array<float> bins(all.data(), all.size());
  for (const std::size_t pixels : {1, 2, 7, 33}) {
    for (const std::size_t q : {1, 31, 313, 529}) {
      const Tensor logits = test::random_tensor({1, 1, pixels, q}, 2);
      const test::OnDevice device_logits(logits);
      for (const float temperature : {1.0f, 0.02f}) {
        const Shape s{1, 1, pixels, 2};
        Tensor ab(s);
        annealed_mean(q, all.data(), pixels, logits.f32(), temperature, ab.f32());
        test::OnDevice out(s);
        gpu::annealed_mean(q, bins.data(), pixels, device_logits.data(), temperature, out.data());
        CHECK(test::difference(out.tensor(), ab, 1e-5, 3e-4) == "");  // of numbers up to 110
      }
    }
  }
}

TEST_CASE("decoding reads whole sectors", "[gpu][bins]") {
  const std::vector<float> all = zhang_bins();
  const device::Array<float> bins(all.data(), all.size());
  const test::OnDevice logits(test::random_tensor({1, 1, 64, 313}, 2));
  test::OnDevice ab({1, 1, 64, 2});
  test::check_sectors(
      [&] { gpu::annealed_mean(313, bins.data(), 64, logits.data(), 0.38f, ab.data()); });
}

}  // namespace
}  // namespace tinct
