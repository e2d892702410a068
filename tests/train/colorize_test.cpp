// The pipeline: full size, lightness untouched, colours where the network wants them.
#include "train/colorize.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/colour.h"
#include "tests/check.h"
#include "tests/train/data_check.h"
#include "train/guided_filter.h"
#include "train/resize.h"

using namespace tinct;
using namespace tinct::test;

namespace {

/// The same ab everywhere.
PredictChroma constant(float a, float b) {
  return [=](const Tensor& l) {
    Tensor ab({1, l.shape().h, l.shape().w, 2});
    for (std::size_t i = 0; i < ab.size(); i += 2) ab.f32()[i] = a, ab.f32()[i + 1] = b;
    return ab;
  };
}

Image grey_hills(std::size_t h, std::size_t w) {
  const Image colour = hills(h, w, 12);
  Image grey = make_image(h, w, 1);
  for (std::size_t i = 0; i < grey.area(); ++i) grey.pixels[i] = colour.pixels[3 * i + 1];
  return grey;
}

/// How far a step of half a level in every component moves L, at most, near a colour.
double rounding_of_lightness(const float* lab, double levels) {
  const ref::Colour rgb = ref::lab_to_srgb({lab[0], lab[1], lab[2]});
  const auto moved = [&](double by) {
    return ref::srgb_to_lab({std::clamp(rgb[0] + by, 0.0, 1.0), std::clamp(rgb[1] + by, 0.0, 1.0),
                             std::clamp(rgb[2] + by, 0.0, 1.0)})[0];
  };
  return (moved(.5 / levels) - moved(-.5 / levels)) * .75 + 1e-3;
}

double worst_lightness(const Image& before, const Image& after) {
  const Tensor a = lightness_of(before), b = lightness_of(after);
  std::vector<float> lab(after.area() * 3);
  if (after.bits == 16) {
    cpu::srgb_to_lab(after.area(), after.pixels16.data(), lab.data());
  } else {
    cpu::srgb_to_lab(after.area(), after.pixels.data(), lab.data());
  }
  double worst = 0;
  for (std::size_t i = 0; i < after.area(); ++i) {
    const double allowed =
        rounding_of_lightness(lab.data() + 3 * i, after.bits == 16 ? 65535 : 255);
    worst = std::max(worst, std::abs(double(a.f32()[i]) - double(b.f32()[i])) / allowed);
  }
  return worst;
}

}  // namespace

TEST_CASE("colorize: the size stays, and the lightness to what rounding allows") {
  for (const auto& [h, w] :
       {std::pair<std::size_t, std::size_t>{300, 417}, {33, 20}, {1, 1}, {1, 90}, {64, 64}}) {
    const Image grey = grey_hills(h, w);
    for (const auto& [a, b] : {std::pair{20.f, 30.f}, {-60.f, 80.f}, {90.f, -90.f}}) {
      ColorizeOptions options;
      options.size = 64, options.multiple = 16;
      const Image out = colorize(grey, constant(a, b), options);
      CHECK(out.height == h);
      CHECK(out.width == w);
      CHECK(out.channels == 3);
      CHECK(out.bits == 8);
      CHECK(worst_lightness(grey, out) <= 1);
    }
  }
}

TEST_CASE("colorize: 16 bits stay 16 bits, and alpha and EXIF are carried") {
  Image grey = make_image(40, 50, 1, 16);
  for (std::size_t i = 0; i < grey.area(); ++i) grey.pixels16[i] = std::uint16_t(i * 32 + i % 7);
  grey.alpha.assign(grey.area(), 999);
  grey.exif = "EXIF";
  const Image out = colorize(grey, constant(12, -25));
  CHECK(out.bits == 16);
  CHECK(out.alpha == grey.alpha);
  CHECK(out.exif == grey.exif);
  CHECK(worst_lightness(grey, out) <= 1);
  std::size_t fine = 0;  // levels that 8 bits have not
  for (const std::uint16_t v : out.pixels16) fine += v % 257 != 0;
  CHECK(fine > out.pixels16.size() / 2);
}

TEST_CASE("colorize: the chroma asked for arrives, times the saturation") {
  Image grey = make_image(60, 80, 1);
  for (auto& v : grey.pixels) v = 128;
  for (const float saturation : {1.0f, .5f, 1.5f}) {
    ColorizeOptions options;
    options.saturation = saturation;
    const Image out = colorize(grey, constant(20, -12), options);
    const ref::Colour lab =
        ref::srgb_to_lab({out.pixels[0] / 255.0, out.pixels[1] / 255.0, out.pixels[2] / 255.0});
    CHECK(std::abs(lab[1] - 20 * double{saturation}) <= .6);
    CHECK(std::abs(lab[2] + 12 * double{saturation}) <= .6);
  }
  ColorizeOptions none;
  none.saturation = 0;
  const Image out = colorize(grey, constant(20, -12), none);
  CHECK(out.pixels == to_rgb8(grey).pixels);
  none.saturation = NAN;
  CHECK_THROWS_AS(colorize(grey, constant(1, 1), none), std::invalid_argument);
}

TEST_CASE("colorize: black and white stay, whatever is predicted") {
  Image grey = make_image(32, 32, 1);
  for (std::size_t i = 0; i < grey.area(); ++i) grey.pixels[i] = i % 32 < 16 ? 0 : 255;
  const Image out = colorize(grey, constant(80, -90));
  CHECK(out.pixels == to_rgb8(grey).pixels);
}

TEST_CASE("colorize: of a colour picture only the lightness is used") {
  const Image colour = hills(50, 70, 3);
  Tensor seen;
  const Image out = colorize(colour, [&seen](const Tensor& l) {
    seen = l.clone();
    return constant(10, 10)(l);
  });
  CHECK(worst_lightness(colour, out) <= 1);
  const Shape s = working_shape(50, 70, {});
  CHECK(difference(seen, resize(lightness_of(colour), s.h, s.w), 0, 0).empty());
}

TEST_CASE("colorize: a prediction that is nothing, or nonsense, is an error and no picture") {
  const Image grey = grey_hills(20, 20);
  CHECK_THROWS_AS(colorize(grey, constant(0, 0)), NumericError);
  CHECK_THROWS_AS(colorize(grey, constant(NAN, 1)), NumericError);
  CHECK_THROWS_AS(colorize(grey, constant(1, INFINITY)), NumericError);
  CHECK_THROWS_AS(colorize(grey, [](const Tensor& l) { return l; }), std::invalid_argument);
  CHECK_THROWS_AS(colorize(grey, [](const Tensor&) { return Tensor(); }), std::invalid_argument);
}

TEST_CASE("colorize: the working shape") {
  ColorizeOptions options;
  CHECK(working_shape(3000, 4000, options) == Shape{1, 256, 341, 1});
  CHECK(working_shape(4000, 3000, options) == Shape{1, 341, 256, 1});
  CHECK(working_shape(100, 100, options) == Shape{1, 256, 256, 1});
  CHECK(working_shape(1, 1000, options) == Shape{1, 256, 1024, 1});
  options.multiple = 16;
  CHECK(working_shape(3000, 4000, options) == Shape{1, 256, 336, 1});
  options.size = 3;
  CHECK(working_shape(10, 10, options) == Shape{1, 16, 16, 1});
  CHECK_THROWS_AS(working_shape(0, 10, options), std::invalid_argument);
}

TEST_CASE("colorize: the same bits for any number of threads") {
  const Image grey = grey_hills(211, 307);
  const auto wavy = [](const Tensor& l) {
    Tensor ab({1, l.shape().h, l.shape().w, 2});
    for (std::size_t i = 0; i < ab.size(); ++i) ab.f32()[i] = 60 * std::sin(float(i) * .01f);
    return ab;
  };
  const int before = threads();
  set_threads(1);
  const Image one = colorize(grey, wavy);
  set_threads(3);
  const Image three = colorize(grey, wavy);
  set_threads(before);
  CHECK(one.pixels == three.pixels);
}

TEST_CASE("guided filter: flat chroma stays flat, and edges of the guide become its edges") {
  const std::size_t small = 16, large = 128;
  Tensor guide({1, large, large, 1});
  Tensor truth({1, large, large, 1});
  for (std::size_t i = 0; i < guide.size(); ++i) {
    const bool right = i % large >= 61;  // between two small pixels
    guide.f32()[i] = right ? 80 : 30;
    truth.f32()[i] = right ? 40 : -20;
  }
  const Tensor coarse_guide = resize(guide, small, small), coarse = resize(truth, small, small);
  const Tensor lines = fit_lines(coarse_guide, coarse);
  const Tensor plain = resize(coarse, large, large);
  double guided_error = 0, plain_error = 0;
  std::vector<float> row(large);
  for (std::size_t y = 0; y < large; ++y) {
    apply_lines(lines, large, large, y, guide.f32() + y * large, row.data());
    for (std::size_t x = 0; x < large; ++x) {
      const std::size_t i = y * large + x;
      guided_error += std::pow(double(row[x] - truth.f32()[i]), 2);
      plain_error += std::pow(double(plain.f32()[i] - truth.f32()[i]), 2);
    }
  }
  CHECK(guided_error <= .1 * plain_error);

  const Tensor flat = Tensor::full({1, small, small, 2}, 7);
  const Tensor level = fit_lines(coarse_guide, flat);
  std::vector<float> both(2 * large);
  apply_lines(level, large, large, 5, guide.f32(), both.data());
  for (const float v : both) CHECK(v == Approx(7).margin(1e-4));
  // Where the guide says nothing, what is left is bilinear.
  const Tensor dull = Tensor::full({1, small, small, 1}, 50);
  const Tensor noise = random_tensor({1, small, small, 1}, 2);
  const std::vector<float> dull_row(large, 50);
  apply_lines(fit_lines(dull, noise), large, large, 9, dull_row.data(), row.data());
  const Tensor expected = resize(noise, large, large);
  for (std::size_t x = 0; x < large; ++x) {
    CHECK(row[x] == Approx(expected.f32()[9 * large + x]).margin(1e-5));
  }
  CHECK_THROWS_AS(fit_lines(guide, noise), std::invalid_argument);
}

TEST_CASE("side by side: left and right, grey and colour, alpha") {
  Image left = make_image(2, 1, 1), right = make_image(2, 2, 3);
  left.pixels = {10, 20};
  left.alpha = {1, 2};
  std::iota(right.pixels.begin(), right.pixels.end(), std::uint8_t(100));
  const Image both = side_by_side(left, right);
  CHECK(both.width == 3);
  CHECK(both.pixels == std::vector<std::uint8_t>{10, 10, 10, 100, 101, 102, 103, 104, 105,  //
                                                 20, 20, 20, 106, 107, 108, 109, 110, 111});
  CHECK(both.alpha == std::vector<std::uint16_t>{1, 255, 255, 2, 255, 255});
  CHECK_THROWS_AS(side_by_side(left, make_image(3, 1, 1)), std::invalid_argument);
}
