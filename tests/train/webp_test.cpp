// WebP pictures, made with Pillow; skipped where tinct is built without libwebp.
#include <catch2/catch.hpp>

#include "core/error.h"
#include "tests/train/picture_bytes.h"
#include "train/image.h"

using namespace tinct;
using test::from_hex;

namespace {

// 3 x 2 lossless: red, green, blue / (10,20,30), (40,50,60), (70,80,90).
const std::string plain = from_hex(
    "5249464642000000574542505650384c350000002f024000002f40986db439dc7bfe96a721242074"
    "1ffc7f8920db6617a9bfe5e73fe0cf78264501856c23c0a17b054ee922fa1fc30b00");
// The same with EXIF orientation 6.
const std::string turned = from_hex(
    "524946467600000057454250565038580a000000080000000200000100005650384c350000002f02"
    "4000002f40986db439dc7bfe96a7212420741ffc7f8920db6617a9bfe5e73fe0cf78264501856c23"
    "c0a17b054ee922fa1fc30b00455849461a0000004d4d002a00000008000101120003000000010006"
    "000000000000");
// 2 x 1: red, half-transparent blue.
const std::string transparent =
    from_hex("5249464620000000574542505650384c130000002f010000100f10fb3fff0ffc8f0a1588e87f0000");
// Two frames.
const std::string animated = from_hex(
    "52494646cc00000057454250565038580a00000012000000020000010000414e494d060000000000"
    "00000000414e4d4650000000000000000000020000010000000000025650384c370000002f024000"
    "002f40a46d3313a3f30feff0368404846c84ff17bc23c8b6c9448a7fcdcf7fc09f2845b1070ad946"
    "8053bb47e1442ea2ff315e00414e4d4648000000000000000000020000010000000000005650384c"
    "2f0000002f024000102720102044c8112d574840c83639ee1d41b6cd4c2632de6b7efe0300afaafc"
    "8040d2166ffb23fa1f7e0100");

bool built_with_webp() {
  if (has_image_extension("x.webp")) return true;
  CHECK_THROWS_WITH(decode_image(plain, "x.webp"), Catch::Contains("a WebP picture"));
  return false;
}

}  // namespace

TEST_CASE("webp is decoded to the last bit, upright, alpha apart") {
  if (!built_with_webp()) return;
  const Image image = decode_image(plain, "x");
  CHECK(image.format == "webp");
  REQUIRE(image.width == 3);
  REQUIRE(image.height == 2);
  CHECK(image.pixels == std::vector<std::uint8_t>{255, 0, 0, 0, 255, 0, 0, 0, 255,  //
                                                  10, 20, 30, 40, 50, 60, 70, 80, 90});
  CHECK(image.alpha.empty());
  const Image upright = decode_image(turned, "x");
  REQUIRE(upright.width == 2);
  REQUIRE(upright.height == 3);
  CHECK(upright.pixels == std::vector<std::uint8_t>{10, 20, 30, 255, 0, 0, 40, 50, 60,  //
                                                    0, 255, 0, 70, 80, 90, 0, 0, 255});
  const Image holes = decode_image(transparent, "x");
  CHECK(holes.pixels == std::vector<std::uint8_t>{255, 0, 0, 0, 0, 255});
  CHECK(holes.alpha == std::vector<std::uint16_t>{255, 128});
}

TEST_CASE("webp that is cut off, animated or too large is refused") {
  if (!built_with_webp()) return;
  for (std::size_t size = 12; size < plain.size() - 1; ++size) {
    INFO(size);
    CHECK_THROWS_AS(decode_image(plain.substr(0, size), "x"), DataError);
  }
  CHECK_THROWS_WITH(decode_image(animated, "x"), Catch::Contains("animated"));
  DecodeLimits limits;
  limits.pixels = 5;
  CHECK_THROWS_WITH(decode_image(plain, "x", limits), Catch::Contains("limit of 5 pixels"));
}
