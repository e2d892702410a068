// EXIF orientation: applied once, all eight, then reset in the EXIF that is carried.
#include "train/exif.h"

#include <catch2/catch.hpp>

#include "tests/train/picture_bytes.h"
#include "train/image.h"

using namespace tinct;
using namespace tinct::test;
using Bytes = std::vector<std::uint8_t>;

namespace {

// Where in a block of exif_block the values lie.
constexpr std::size_t orientation_at = 8 + 2 + 8;
constexpr std::size_t extents_at = 38 + 2;

// An upright picture of 3 x 2 (width x height) as a camera stores it under each orientation.
struct Stored {
  int orientation;
  std::size_t height, width;
  Bytes pixels;
};
const Bytes upright{1, 2, 3,  //
                    4, 5, 6};
const Stored stored[] = {
    {1, 2, 3, {1, 2, 3, 4, 5, 6}}, {2, 2, 3, {3, 2, 1, 6, 5, 4}}, {3, 2, 3, {6, 5, 4, 3, 2, 1}},
    {4, 2, 3, {4, 5, 6, 1, 2, 3}}, {5, 3, 2, {1, 4, 2, 5, 3, 6}}, {6, 3, 2, {3, 6, 2, 5, 1, 4}},
    {7, 3, 2, {6, 3, 5, 2, 4, 1}}, {8, 3, 2, {4, 1, 5, 2, 6, 3}},
};

std::string file_of(const Stored& s, bool little) {
  PngParts parts{std::uint32_t(s.width), std::uint32_t(s.height), 8, 0, false, {}, "", ""};
  for (std::size_t y = 0; y < s.height; ++y) {
    parts.rows.emplace_back(s.pixels.begin() + long(y * s.width),
                            s.pixels.begin() + long((y + 1) * s.width));
  }
  parts.before = png_chunk("eXIf", exif_block(s.orientation, little));
  return png_file(parts);
}

}  // namespace

TEST_CASE("exif: all eight orientations come out upright, once") {
  for (const bool little : {true, false}) {
    for (const Stored& s : stored) {
      INFO("orientation " << s.orientation);
      const Image image = decode_image(file_of(s, little), "picture");
      CHECK(image.height == 2);
      CHECK(image.width == 3);
      CHECK(image.pixels == upright);
      const char one[] = {little ? '\1' : '\0', little ? '\0' : '\1'};
      CHECK(image.exif.compare(orientation_at, 2, one, 2) == 0);
      // Saved and read again it stays as it is.
      const Image again = decode_image(encode_png(image), "picture");
      CHECK(again.pixels == upright);
      CHECK(again.exif == image.exif);
    }
  }
}

TEST_CASE("exif: larger pictures, every channel count and depth") {
  const std::size_t h = 37, w = 70;
  std::vector<std::uint16_t> samples(h * w * 3);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = std::uint16_t(i);
  for (const int orientation : {2, 3, 4, 5, 6, 7, 8}) {
    auto turned = apply_orientation(orientation, samples, h, w, 3);
    CHECK(turned != samples);
    // Each undoes itself, but for the two quarter turns, which undo each other.
    const int inverse = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;
    const bool swapped = orientation >= 5;
    CHECK(apply_orientation(inverse, turned, swapped ? w : h, swapped ? h : w, 3) == samples);
  }
}

TEST_CASE("exif: the carried block fits the upright picture and shows no old thumbnail") {
  std::string block = exif_block(6, true);
  CHECK(take_orientation(block) == 6);
  CHECK(block.find("THUMB") == std::string::npos);
  CHECK(block.size() == 98);
  // Width 60 and height 40 have changed places, each with its type.
  const std::string swapped = little_endian(0xA002, 2) + little_endian(3, 2) + little_endian(1, 4) +
                              little_endian(40, 4) + little_endian(0xA003, 2) +
                              little_endian(4, 2) + little_endian(1, 4) + little_endian(60, 4);
  CHECK(block.substr(extents_at, 24) == swapped);
  CHECK(take_orientation(block) == 1);
}

TEST_CASE("exif: nonsense is dropped or ignored, never followed") {
  for (const std::string& bad : {std::string(), std::string("II"), std::string("Hello, world"),
                                 "II" + little_endian(42, 2) + little_endian(0xfffffff0, 4)}) {
    std::string block = bad;
    CHECK(take_orientation(block) == 1);
    CHECK(block.empty());
  }
  for (const int orientation : {0, 9, 255}) {
    std::string block = exif_block(orientation, false);
    CHECK(take_orientation(block) == 1);
  }
  // Cut anywhere, and any byte changed: an orientation of 1 to 8, and no access outside (ASan).
  const std::string whole = exif_block(6, true);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string cut = whole.substr(0, i);
    const int a = take_orientation(cut);
    CHECK((a >= 1 && a <= 8));
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[i] = byte;
      const int b = take_orientation(changed);
      CHECK((b >= 1 && b <= 8));
    }
  }
}

TEST_CASE("exif: from JPEG to JPEG") {
  JpegParts parts{16, 8, JCS_GRAYSCALE, JCS_GRAYSCALE, Bytes(128, 90), false, false, 1, 1, {}};
  parts.markers = {{1, std::string("Exif\0\0", 6) + exif_block(8, true)}};
  const Image image = decode_image(jpeg_file(parts), "picture");
  CHECK(image.height == 16);
  CHECK(image.width == 8);
  const Image again = decode_image(encode_jpeg(image), "picture");
  CHECK(again.height == 16);
  CHECK(again.exif == image.exif);
  CHECK(!again.exif.empty());
}
