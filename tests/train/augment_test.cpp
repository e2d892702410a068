// Augmentation: windows are where they should be, and depend on the seed alone.
#include "train/augment.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "tests/train/data_check.h"

using namespace tinct;
using namespace tinct::test;

TEST_CASE("windows lie inside the picture and cover the whole range of the options") {
  const AugmentOptions options{32, 0.4, 1.0, true, false};
  std::size_t smallest = 1000, largest = 0, mirrored = 0, top = 0, bottom = 0, right = 0;
  double log_sum = 0;
  constexpr std::size_t draws = 4000;
  for (std::size_t sample = 0; sample < draws; ++sample) {
    const Window w = draw_window(100, 160, options, 7, 0, sample);
    REQUIRE(w.top + w.side <= 100);
    REQUIRE(w.left + w.side <= 160);
    smallest = std::min(smallest, w.side);
    largest = std::max(largest, w.side);
    mirrored += w.mirrored;
    top += w.top == 0;
    bottom += w.top + w.side == 100;
    right += w.left + w.side == 160;
    log_sum += std::log(static_cast<double>(w.side) / 100);
  }
  CHECK(smallest == 40);
  CHECK(largest == 100);
  CHECK(mirrored == Approx(draws / 2).margin(130));  // 4 standard deviations
  CHECK(top > 20);
  CHECK(bottom > 20);
  CHECK(right > 20);
  CHECK(log_sum / draws == Approx(std::log(0.4) / 2).margin(0.02));
}

TEST_CASE("a window is a pure function of seed, epoch and sample, and of each of them") {
  const AugmentOptions options;
  const Window w = draw_window(384, 512, options, 1, 2, 3);
  CHECK(w == draw_window(384, 512, options, 1, 2, 3));
  CHECK_FALSE(w == draw_window(384, 512, options, 2, 2, 3));
  CHECK_FALSE(w == draw_window(384, 512, options, 1, 3, 3));
  CHECK_FALSE(w == draw_window(384, 512, options, 1, 2, 4));
}

TEST_CASE("nothing is enlarged that has the pixels, and small pictures are used whole") {
  CHECK(draw_window(200, 300, {128, 0.1, 0.2, true, false}, 1, 1, 1).side == 128);
  CHECK(draw_window(60, 90, {128, 0.1, 0.2, true, false}, 1, 1, 1).side == 60);
  CHECK(draw_window(1, 1, {128, 0.4, 1, true, false}, 1, 1, 1).side == 1);
}

TEST_CASE("without augmentation it is the middle square, every epoch") {
  const Window w = draw_window(50, 80, AugmentOptions::none(16), 9, 9, 9);
  CHECK(w == Window{0, 15, 50, false});
}

TEST_CASE("augment cuts, mirrors and resizes as its window says") {
  const Image image = hills(48, 64, 5);
  const Tensor rgb = to_tensor(image);
  const AugmentOptions options{48, 1, 1, true, false};  // a window as large as the crop
  std::set<bool> seen;
  for (std::uint64_t sample = 0; sample < 20; ++sample) {
    const Window w = draw_window(48, 64, options, 3, 0, sample);
    const Tensor cut = augment(rgb, options, 3, 0, sample);
    REQUIRE(cut.shape() == Shape{1, 48, 48, 3});
    seen.insert(w.mirrored);
    bool equal = true;
    for (std::size_t y = 0; y < 48; ++y) {
      for (std::size_t x = 0; x < 48; ++x) {
        const std::size_t from = w.left + (w.mirrored ? 47 - x : x);
        for (std::size_t c = 0; c < 3; ++c) {
          equal = equal &&
                  cut.u8()[(y * 48 + x) * 3 + c] == image.pixels[((w.top + y) * 64 + from) * 3 + c];
        }
      }
    }
    CHECK(equal);
  }
  CHECK(seen.size() == 2);

  // Halving the middle 48 x 48: near the mean of 2 x 2 (the filter is wider than that).
  const Tensor half = augment(rgb, AugmentOptions::none(24), 0, 0, 0);
  double worst = 0;
  for (std::size_t y = 0; y < 24; ++y) {
    for (std::size_t x = 0; x < 24; ++x) {
      double mean = 0;
      for (std::size_t k = 0; k < 4; ++k) {
        mean += rgb.u8()[((2 * y + k / 2) * 64 + 8 + 2 * x + k % 2) * 3] / 4.0;
      }
      worst = std::max(worst, std::abs(mean - half.u8()[(y * 24 + x) * 3]));
    }
  }
  CHECK(worst < 8);
}

TEST_CASE("augment refuses nonsense") {
  CHECK_THROWS_AS(draw_window(0, 5, {}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(draw_window(5, 5, {0, 0.5, 1, true, false}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(draw_window(5, 5, {4, 0, 1, true, false}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(draw_window(5, 5, {4, 0.9, 0.5, true, false}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(draw_window(5, 5, {4, 0.5, 1.5, true, false}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(draw_window(5, 5, {4, std::nan(""), 1, true, false}, 0, 0, 0),
                  std::invalid_argument);
  CHECK_THROWS_AS(augment(Tensor({1, 5, 5, 1}, DType::u8), {}, 0, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(augment(Tensor({1, 5, 5, 3}), {}, 0, 0, 0), std::invalid_argument);
}
