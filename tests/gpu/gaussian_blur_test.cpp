// Blurs, and the loss that blurs: every rung of tinct::gpu against the plain loops.
#include "kernels/gaussian_blur.h"

#include <catch2/catch.hpp>

#include "kernels/blurred_euclidean.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr Border kBorders[] = {Border::zero, Border::symmetric};

// Smaller than the taps, exactly a tile, a little more, odd channels, more than tiles are made for.
const std::vector<Shape> kShapes = {{1, 1, 1, 1},   {2, 2, 1, 3},   {1, 7, 5, 2},   {1, 32, 32, 2},
                                    {2, 33, 31, 2}, {1, 31, 70, 1}, {1, 40, 17, 4}, {1, 5, 9, 7}};

TEST_CASE("Gaussian blur on the device", "[gpu][blur]") {
  for (const Shape& s : kShapes) {
    const Tensor x = test::random_tensor(s, 1);
    const test::OnDevice device_x(x);
    for (const std::size_t size : {1, 5, 15, 17}) {
      // Taps that are not symmetric tell which way they run.
      std::vector<float> taps = gaussian_taps(size, 0.3 * static_cast<double>(size));
      taps[0] *= 2;
      for (const Border border : kBorders) {
        INFO(to_string(s) << ", " << size << " taps");
        Tensor y(s);
        ref::gaussian_blur(s, taps, border, x.f32(), y.f32());
        for (const auto rung : {gpu::gaussian_blur_two_pass, gpu::gaussian_blur}) {
          test::OnDevice out(s);
          rung(s, taps, border, device_x.data(), out.data());
          CHECK(test::difference(out.tensor(), y, 1e-5, 1e-6) == "");
        }
      }
    }
  }
}

TEST_CASE("the blurred Euclidean loss on the device", "[gpu][blur]") {
  const std::vector<std::vector<std::vector<float>>> blurs = {
      {gaussian_taps(3, kDahlSigma), gaussian_taps(5, kDahlSigma)},
      {gaussian_taps(9, 2.0), gaussian_taps(1, 1.0)},
      {gaussian_taps(11, 2.0)}};
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 33, 5, 2}, Shape{1, 5, 9, 3},
                         Shape{1, 9, 70, 1}, Shape{1, 5, 9, 7}}) {
    const Tensor prediction = test::random_tensor(s, 1), target = test::random_tensor(s, 2);
    const test::OnDevice device_prediction(prediction), device_target(target);
    for (const auto& taps : blurs) {
      for (const Border border : kBorders) {
        for (const bool squared : {true, false}) {
          const BlurredEuclidean loss{s, taps, border, squared};
          INFO(to_string(s) << ", " << taps.size() << " blurs, squared " << squared);
          Tensor gradient(s);
          const double value =
              ref::blurred_euclidean(loss, prediction.f32(), target.f32(), gradient.f32());
          for (const auto rung : {gpu::blurred_euclidean_composed, gpu::blurred_euclidean_tiles,
                                  gpu::blurred_euclidean}) {
            test::OnDevice out(s);
            CHECK(rung(loss, device_prediction.data(), device_target.data(), out.data()) ==
                  Approx(value).epsilon(1e-5));
            CHECK(test::relative_error(out.tensor(), gradient, 1e-5) == "");
            if (!squared) continue;
            CHECK(rung(loss, device_prediction.data(), device_target.data(), nullptr) ==
                  Approx(value).epsilon(1e-5));
          }
        }
      }
    }
  }
}

TEST_CASE("blurs read and write whole sectors", "[gpu][blur]") {
  const Shape s{1, 64, 96, 2};
  const test::OnDevice x(test::random_tensor(s, 1)), target(test::random_tensor(s, 2));
  test::OnDevice out(s);
  const std::vector<float> taps = gaussian_taps(5, kDahlSigma);
  test::check_sectors(
      [&] { gpu::gaussian_blur(s, taps, Border::symmetric, x.data(), out.data()); });
  test::check_sectors([&] {
    gpu::blurred_euclidean({s, {taps}, Border::symmetric, true}, x.data(), target.data(),
                           out.data());
  });
}

}  // namespace
}  // namespace tinct
