// Resizing: values a person can check, a plain double-precision twin, and what must stay the same.
#include "train/resize.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/threads.h"
#include "tests/check.h"
#include "tests/train/data_check.h"

using namespace tinct;
using namespace tinct::test;

namespace {

/// One output value as the definition has it: triangle weights over all inputs, normalised.
double plain(const Tensor& x, std::size_t c, std::size_t oh, std::size_t ow, std::size_t y,
             std::size_t xo) {
  const Shape& s = x.shape();
  const auto weight = [](std::size_t out, std::size_t outs, std::size_t in, std::size_t ins) {
    const double scale = double(ins) / double(outs), support = std::max(1.0, scale);
    return std::max(0.0, 1 - std::abs((double(out) + .5) * scale - double(in) - .5) / support);
  };
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < s.h; ++i) {
    for (std::size_t k = 0; k < s.w; ++k) {
      const double w = weight(y, oh, i, s.h) * weight(xo, ow, k, s.w);
      sum += w * double(x.f32()[(i * s.w + k) * s.c + c]);
      total += w;
    }
  }
  return sum / total;
}

}  // namespace

TEST_CASE("resize: values to check by hand") {
  const Tensor row = Tensor::from({1, 1, 4, 1}, {0, 4, 8, 12});
  // Half as wide: weights 1, 3, 3, 1 around each centre, those beyond the border left out.
  CHECK(difference(resize(row, 1, 2), Tensor::from({1, 1, 2, 1}, {20 / 7.f, 64 / 7.f}), 0, 1e-5)
            .empty());
  const Tensor pair = Tensor::from({1, 1, 2, 1}, {0, 8});
  CHECK(difference(resize(pair, 1, 4), Tensor::from({1, 1, 4, 1}, {0, 2, 6, 8}), 0, 1e-6).empty());
  CHECK(difference(resize(row, 1, 4), row, 0, 0).empty());
  CHECK(resize(pair, 3, 2).f32()[5] == 8);
  CHECK_THROWS_AS(resize(pair, 0, 2), std::invalid_argument);
}

TEST_CASE("resize: as defined, at odd sizes") {
  struct Case {
    std::size_t h, w, c, oh, ow;
  };
  for (const Case& t : {Case{1, 1, 3, 4, 5},
                        {7, 9, 1, 3, 20},
                        {31, 33, 2, 7, 11},
                        {13, 5, 3, 32, 31},
                        {40, 3, 1, 1, 1}}) {
    const Tensor x = random_tensor({1, t.h, t.w, t.c}, 3);
    const Tensor y = resize(x, t.oh, t.ow);
    for (std::size_t i = 0; i < t.oh; ++i) {
      for (std::size_t k = 0; k < t.ow; ++k) {
        for (std::size_t c = 0; c < t.c; ++c) {
          const double expected = plain(x, c, t.oh, t.ow, i, k);
          REQUIRE(std::abs(double(y.f32()[(i * t.ow + k) * t.c + c]) - expected) <= 1e-6);
        }
      }
    }
  }
}

TEST_CASE("resize: pictures keep their depth, constants stay constant") {
  Image image = make_image(30, 50, 3, 16);
  image.alpha.assign(image.area(), 1234);
  for (auto& v : image.pixels16) v = 65535;
  const Image small = resize(image, 7, 11);
  CHECK(small.pixels16 == std::vector<std::uint16_t>(7 * 11 * 3, 65535));
  CHECK(small.alpha == std::vector<std::uint16_t>(77, 1234));
  CHECK(small.bits == 16);
  const Image photo = hills(20, 30, 4);
  CHECK(resize(photo, 20, 30).pixels == photo.pixels);
  const Image large = resize(photo, 41, 67);
  CHECK(large.height == 41);
  CHECK(large.pixels.size() == 41u * 67u * 3u);
}

TEST_CASE("resize: the same bits for any number of threads") {
  const Tensor x = random_tensor({2, 61, 47, 3}, 8);
  const int before = threads();
  set_threads(1);
  const Tensor one = resize(x, 23, 90);
  set_threads(3);
  const Tensor three = resize(x, 23, 90);
  set_threads(before);
  CHECK(difference(one, three, 0, 0).empty());
}
