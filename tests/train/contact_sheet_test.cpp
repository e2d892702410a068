// Contact sheets, and pictures as Lab planes.
#include "train/contact_sheet.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "train/lab_planes.h"

using namespace tinct;

TEST_CASE("a sheet has a row of three cells for each picture, scaled to one height") {
  Image red = make_image(100, 50, 3);
  for (std::size_t i = 0; i < red.area(); ++i) red.pixels[3 * i] = 200;
  const Image grey = make_image(40, 80, 1);
  ContactSheet sheet;
  CHECK(sheet.empty());
  sheet.add_row(grey, red, {});
  sheet.add_row(grey, red, red);
  CHECK_FALSE(sheet.empty());
  const Image drawn = sheet.draw();
  CHECK(drawn.height == 2 * 200 + 8);
  CHECK(drawn.width == 3 * (384 + 8) + 8);
  const auto pixel = [&](std::size_t y, std::size_t x) {
    return std::vector<int>(
        drawn.pixels.begin() + static_cast<std::ptrdiff_t>((y * drawn.width + x) * 3),
        drawn.pixels.begin() + static_cast<std::ptrdiff_t>((y * drawn.width + x) * 3 + 3));
  };
  CHECK(pixel(20, 20) == std::vector<int>{0, 0, 0});
  CHECK(pixel(20, 8 + 392 + 20) == std::vector<int>{200, 0, 0});
  CHECK(pixel(20, 8 + 2 * 392 + 20) == std::vector<int>{255, 255, 255});  // nobody knows
  CHECK(pixel(220, 8 + 2 * 392 + 20) == std::vector<int>{200, 0, 0});
}

TEST_CASE("a picture taken apart into Lab planes and joined again is the same picture") {
  Tensor rgb({1, 8, 8, 3}, DType::u8);
  for (std::size_t i = 0; i < rgb.size(); ++i)
    rgb.u8()[i] = static_cast<std::uint8_t>(i * 37 % 256);
  const LabPlanes lab = lab_planes(rgb);
  const Image back = join_lab(lab.lightness, lab.ab);
  CHECK(std::equal(back.pixels.begin(), back.pixels.end(), rgb.u8()));
}
