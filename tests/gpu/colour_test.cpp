// Colour conversions: the kernels of tinct::gpu against the standards' formulas.
#include "kernels/colour.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/gamut.h"
#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 7, 31, 32, 33, 127, 1027};

using RefPixel = ref::Colour (*)(const ref::Colour&);
using GpuPixels = void (*)(std::size_t, const float*, float*);

// Colours of sRGB, the corners and greys among them, and slightly beyond.
Tensor colours(std::size_t n) {
  Tensor rgb = test::random_tensor({1, 1, n, 3}, 1);
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    rgb.f32()[i] = 0.5f + 0.55f * rgb.f32()[i];
    if (i < 24) rgb.f32()[i] = static_cast<float>(i / 3 >> i % 3 & 1);
    if (i / 3 == 9) rgb.f32()[i] = 0.3f;
  }
  return rgb;
}

Tensor apply(RefPixel f, const Tensor& in) {
  Tensor out(in.shape());
  for (std::size_t i = 0; i < in.size(); i += 3) {
    const float* p = in.f32() + i;
    const ref::Colour c = f({p[0], p[1], p[2]});
    for (std::size_t k = 0; k < 3; ++k) out.f32()[i + k] = static_cast<float>(c[k]);
  }
  return out;
}

Tensor apply(GpuPixels f, const Tensor& in) {
  test::OnDevice pixels(in);
  f(in.size() / 3, pixels.data(), pixels.data());  // in place
  return pixels.tensor();
}

TEST_CASE("conversions from sRGB and back on the device", "[gpu][colour]") {
  struct Space {
    RefPixel there, back;
    GpuPixels gpu_there, gpu_back;
    double tolerance;  // of numbers up to 175, or up to 1
  };
  const Space spaces[] = {
      {ref::srgb_to_lab, ref::lab_to_srgb, gpu::srgb_to_lab, gpu::lab_to_srgb, 1e-3},
      {ref::srgb_to_luv, ref::luv_to_srgb, gpu::srgb_to_luv, gpu::luv_to_srgb, 1e-3},
      {ref::srgb_to_yuv, ref::yuv_to_srgb, gpu::srgb_to_yuv, gpu::yuv_to_srgb, 1e-6},
      {ref::srgb_to_ycbcr, ref::ycbcr_to_srgb, gpu::srgb_to_ycbcr, gpu::ycbcr_to_srgb, 1e-6},
  };
  for (const Space& space : spaces) {
    for (const std::size_t n : kSizes) {
      const Tensor rgb = colours(n);
      const Tensor there = apply(space.there, rgb);
      CHECK(test::difference(apply(space.gpu_there, rgb), there, 1e-5, space.tolerance) == "");
      CHECK(test::difference(apply(space.gpu_back, there), apply(space.back, there), 1e-5, 2e-5) ==
            "");
    }
  }
}

TEST_CASE("grey is neutral to the last bit on the device", "[gpu][colour]") {
  Tensor grey({1, 1, 256, 3});
  for (std::size_t i = 0; i < grey.size(); ++i) grey.f32()[i] = static_cast<float>(i / 3) / 255;
  for (const GpuPixels f : {GpuPixels{gpu::srgb_to_lab}, GpuPixels{gpu::srgb_to_luv}}) {
    const Tensor there = apply(f, grey);
    for (std::size_t i = 0; i < grey.size(); i += 3) {
      CHECK((there.f32()[i + 1] == 0 && there.f32()[i + 2] == 0));
    }
  }
}

TEST_CASE("the sRGB curve on the device", "[gpu][colour]") {
  for (const std::size_t n : kSizes) {
    Tensor x = test::random_tensor({1, 1, 1, n}, 2), linear(x.shape()), encoded(x.shape());
    for (std::size_t i = 0; i < n; ++i) {
      linear.f32()[i] = static_cast<float>(ref::srgb_to_linear(x.f32()[i]));
      encoded.f32()[i] = static_cast<float>(ref::linear_to_srgb(x.f32()[i]));
    }
    const test::OnDevice device_x(x);
    test::OnDevice out(x.shape());
    gpu::srgb_to_linear(n, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), linear, 1e-5, 1e-7) == "");
    gpu::linear_to_srgb(n, device_x.data(), out.data());
    CHECK(test::difference(out.tensor(), encoded, 1e-5, 1e-6) == "");
  }
}

template <class Level>
void check_levels(double most) {
  for (const std::size_t n : kSizes) {
    std::vector<Level> levels;
    for (std::size_t i = 0; i < 3 * n; ++i) levels.push_back(static_cast<Level>(i * i * 977));
    const device::Array<Level> pixels(levels.data(), levels.size());
    const auto light = [&](std::size_t i) { return static_cast<double>(levels[i]) / most; };
    Tensor lab({1, 1, n, 3}), l({1, 1, n, 1}), grey({1, 1, n, 1});
    for (std::size_t i = 0; i < n; ++i) {
      const ref::Colour c = ref::srgb_to_lab({light(3 * i), light(3 * i + 1), light(3 * i + 2)});
      for (std::size_t k = 0; k < 3; ++k) lab.f32()[3 * i + k] = static_cast<float>(c[k]);
      l.f32()[i] = lab.f32()[3 * i];
      grey.f32()[i] = static_cast<float>(ref::srgb_to_lab({light(i), light(i), light(i)})[0]);
    }
    test::OnDevice out(lab.shape()), out_l(l.shape());
    gpu::srgb_to_lab(n, pixels.data(), out.data());
    CHECK(test::difference(out.tensor(), lab, 1e-5, 1e-3) == "");
    gpu::lightness(n, 3, pixels.data(), out_l.data());
    CHECK(test::difference(out_l.tensor(), l, 1e-5, 1e-4) == "");
    gpu::lightness(n, 1, pixels.data(), out_l.data());
    CHECK(test::difference(out_l.tensor(), grey, 1e-5, 1e-4) == "");
    CHECK_THROWS_AS(gpu::lightness(n, 2, pixels.data(), out_l.data()), std::invalid_argument);

    Tensor values = test::random_tensor({1, 1, 1, n}, 3);
    values.f32()[0] = NAN;
    for (std::size_t i = 1; i < n; ++i) values.f32()[i] = 0.5f + values.f32()[i];
    const test::OnDevice device_values(values);
    device::Array<Level> out_levels(n);
    gpu::quantise(n, device_values.data(), out_levels.data());
    std::vector<Level> host(n);
    out_levels.to_host(host.data());
    for (std::size_t i = 0; i < n; ++i) {
      const int expected = ref::quantise(values.f32()[i], static_cast<std::uint16_t>(most));
      CHECK(std::abs(static_cast<int>(host[i]) - expected) <= (most > 255 ? 1 : 0));
    }
  }
}

TEST_CASE("bytes and 16-bit levels to Lab, lightness and back on the device", "[gpu][colour]") {
  check_levels<std::uint8_t>(255);
  check_levels<std::uint16_t>(65535);
}

TEST_CASE("fitting into gamut on the device", "[gpu][colour]") {
  for (const std::size_t n : kSizes) {
    Tensor lab = test::random_tensor({1, 1, n, 3}, 5), fitted(lab.shape());
    for (std::size_t i = 0; i < n; ++i) {
      float* const p = lab.f32() + 3 * i;
      p[0] = 50 + 49 * p[0];
      p[1] *= 120, p[2] *= 120;
      const ref::Colour c = ref::fit_to_gamut({p[0], p[1], p[2]});
      for (std::size_t k = 0; k < 3; ++k) fitted.f32()[3 * i + k] = static_cast<float>(c[k]);
    }
    test::OnDevice pixels(lab);
    gpu::fit_to_gamut(n, pixels.data());
    CHECK(test::difference(pixels.tensor(), fitted, 0, 120.0 / 4096 + 1e-3) == "");
  }
}

TEST_CASE("conversions read and write whole sectors", "[gpu][colour]") {
  const test::OnDevice rgb(colours(1024));
  test::OnDevice lab({1, 1, 1024, 3});
  test::check_sectors([&] { gpu::srgb_to_lab(1024, rgb.data(), lab.data()); });
}

}  // namespace
}  // namespace tinct
