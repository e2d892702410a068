// Element-by-element losses: the kernels of tinct::gpu against the plain loops.
#include "kernels/pixel_loss.h"

#include <catch2/catch.hpp>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr Penalty kAll[] = {Penalty::l1, Penalty::l2, Penalty::huber, Penalty::bce_with_logits};

void check(const PixelLoss& loss, bool weighted) {
  const Shape s{1, 1, loss.pixels, loss.channels};
  const Tensor prediction = test::random_tensor(s, 1), target = test::random_tensor(s, 2);
  const Tensor weight = test::random_tensor({1, 1, loss.pixels, 1}, 3);
  Tensor gradient(s);
  const double value = ref::pixel_loss(loss, prediction.f32(), target.f32(),
                                       weighted ? weight.f32() : nullptr, gradient.f32());

  const test::OnDevice device_prediction(prediction), device_target(target), device_weight(weight);
  test::OnDevice out(s);
  const auto on_device = [&](float* to) {
    return gpu::pixel_loss(loss, device_prediction.data(), device_target.data(),
                           weighted ? device_weight.data() : nullptr, to);
  };
  INFO(loss.pixels << " pixels of " << loss.channels);
  CHECK(on_device(out.data()) == Approx(value).epsilon(1e-5).margin(1e-7));
  CHECK(test::difference(out.tensor(), gradient, 1e-5, 1e-8) == "");
  CHECK(on_device(nullptr) == on_device(out.data()));
}

TEST_CASE("pixel losses on the device", "[gpu][loss]") {
  for (const Penalty penalty : kAll) {
    for (const std::size_t pixels : {1, 2, 7, 31, 32, 33, 1027}) {
      for (const std::size_t channels : {1, 2, 3}) {
        for (const bool weighted : {false, true}) {
          check({penalty, pixels, channels, 0.3f}, weighted);
        }
      }
    }
  }
}

TEST_CASE("pixel losses read and write whole sectors", "[gpu][loss]") {
  const PixelLoss loss{Penalty::l2, 2048, 2};
  const Shape s{1, 1, loss.pixels, loss.channels};
  const test::OnDevice prediction(test::random_tensor(s, 1)), target(test::random_tensor(s, 2));
  test::OnDevice gradient(s);
  test::check_sectors(
      [&] { gpu::pixel_loss(loss, prediction.data(), target.data(), nullptr, gradient.data()); });
}

}  // namespace
}  // namespace tinct
