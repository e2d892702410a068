// Files that are no usable pictures: each is refused in one line that names it, never half read.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/error.h"
#include "core/file.h"
#include "tests/train/data_check.h"
#include "tests/train/picture_bytes.h"
#include "train/image.h"

using namespace tinct;
using namespace tinct::test;

namespace {

/// The message with which the bytes are refused, or empty when they are not.
std::string refusal(const std::string& bytes, const DecodeLimits& limits = {}) {
  try {
    decode_image(bytes, "the-file", limits);
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

bool says(const std::string& message, const std::string& part) {
  return message.rfind("the-file: ", 0) == 0 && message.find(part) != std::string::npos &&
         message.find('\n') == std::string::npos;
}

std::string small_jpeg(bool progressive) {
  const Image image = hills(40, 40, 1);
  return jpeg_file({40, 40, JCS_RGB, JCS_YCbCr, image.pixels, progressive, false, 2, 2, {}});
}

}  // namespace

TEST_CASE("bad pictures: a JPEG cut anywhere is refused, or kept in part when asked") {
  for (const bool progressive : {false, true}) {
    const std::string whole = small_jpeg(progressive);
    REQUIRE(refusal(whole).empty());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(size << " of " << whole.size());
      REQUIRE(!refusal(whole.substr(0, size)).empty());
    }
    DecodeLimits partial;
    partial.partial = true;
    const Image half = decode_image(whole.substr(0, whole.size() * 2 / 3), "half", partial);
    CHECK(half.height == 40);
    CHECK(half.notes.size() == 1);
    CHECK(refusal(whole + "trailing rubbish").empty());
  }
}

TEST_CASE("bad pictures: a PNG cut anywhere, or with any byte of its pixels changed, is refused") {
  const std::string whole = encode_png(hills(12, 12, 2));
  REQUIRE(refusal(whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " of " << whole.size());
    REQUIRE(!refusal(whole.substr(0, size)).empty());
  }
  const std::size_t pixels = whole.find("IDAT");
  for (std::size_t at = pixels; at < whole.size() - 12; at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    INFO("byte " << at);
    REQUIRE(!refusal(changed).empty());
  }
  CHECK(refusal(whole + "trailing rubbish").empty());
}

TEST_CASE("bad pictures: changed bytes never crash") {
  const std::string files[] = {small_jpeg(false), small_jpeg(true), encode_png(hills(9, 9, 3)),
                               "P5 4 4 255\n0123456789abcdef"};
  const Random random(5, Purpose::test);
  DecodeLimits limits;
  limits.pixels = 1'000'000;  // a changed header may ask for much
  for (const std::string& file : files) {
    for (const bool partial : {false, true}) {
      limits.partial = partial;
      for (std::uint64_t trial = 0; trial < 300; ++trial) {
        std::string changed = file;
        for (std::uint64_t k = 0; k < 1 + trial % 4; ++k) {
          const auto at = random.below(8 * trial + 2 * k, std::uint32_t(file.size()));
          changed[at] = static_cast<char>(random.bits(8 * trial + 2 * k + 1));
        }
        refusal(changed, limits);
      }
    }
  }
}

TEST_CASE("bad pictures: bombs are refused before they get memory") {
  const PngParts wide{65535, 65535, 8, 2, false, {"x"}, "", ""};
  CHECK(says(refusal(png_file(wide)), "65535 x 65535 pixels, more than"));
  const PngParts many{20000, 20000, 8, 2, false, {"x"}, "", ""};
  CHECK(says(refusal(png_file(many)), "more than the limit of 64000000 pixels"));
  const PngParts thin{2001, 2, 1, 0, false, {std::string(251, 'x'), std::string(251, 'x')}, "", ""};
  CHECK(says(refusal(png_file(thin)), "1000 times the other"));
  const PngParts none{0, 5, 8, 2, false, {"x"}, "", ""};
  CHECK(says(refusal(png_file(none)), "0 x 5"));

  // A chunk that claims gigabytes.
  std::string lie = encode_png(hills(32, 32, 4));
  const std::size_t at = lie.find("IDAT") - 4;
  lie.replace(at, 4, big_endian(0x6f000000, 4));
  CHECK(says(refusal(lie), "beyond the end of the file"));

  // Rows that do not suffice, in a file that is otherwise whole.
  const PngParts few{8, 8, 8, 0, false, {std::string(8, 'x')}, "", ""};
  CHECK(says(refusal(png_file(few)), "damaged or truncated PNG"));

  std::string jpeg = small_jpeg(false);
  const std::size_t frame = jpeg.find("\xff\xc0");
  jpeg.replace(frame + 5, 4, big_endian(0x90009000, 4));
  CHECK(says(refusal(jpeg), "more than 32767 a side"));
  CHECK(says(refusal("P6 30000 30000 255\n"), "more than the limit"));
  CHECK(says(refusal("P6 3000 3000 255\n"), "too few pixels"));
}

TEST_CASE("bad pictures: what is not read is called by its name") {
  CHECK(says(refusal(std::string("RIFF\x10\0\0\0WEBPVP8 ", 16)), "WebP"));
  CHECK(says(refusal(std::string("II*\0\x08\0\0\0", 8)), "TIFF"));
  CHECK(says(refusal(std::string("MM\0*\0\0\0\x08", 8)), "TIFF"));
  CHECK(says(refusal(std::string("\0\0\0\x18"
                                 "ftypheic\0\0",
                                 14)),
             "HEIC"));
  CHECK(says(refusal(std::string("\0\0\0\x18"
                                 "ftypavif\0\0",
                                 14)),
             "AVIF"));
  CHECK(says(refusal("<!DOCTYPE html>"), "web page"));
  CHECK(says(refusal("just text"), "not a picture"));
  CHECK(says(refusal(""), "empty"));
  CHECK(says(refusal(std::string("\xff\xd8\xff\xe0", 4)), "JPEG"));
  // A JPEG does not start with padding.
  CHECK(says(refusal("\xff" + small_jpeg(false)), "not a picture"));
  PngParts moving{1, 1, 8, 0, false, {"x"}, png_chunk("acTL", big_endian(5, 4) + big_endian(0, 4)),
                  ""};
  CHECK(says(refusal(png_file(moving)), "animated PNG of 5 frames"));
  moving.before = png_chunk("acTL", big_endian(1, 4) + big_endian(0, 4));
  CHECK(refusal(png_file(moving)).empty());
}

TEST_CASE("bad pictures: 1 x 1, 1 x N and N x 1 are pictures") {
  for (const auto& [h, w] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 1000}, {1000, 1}}) {
    const Image image = hills(h, w, 9);
    CHECK(decode_image(encode_png(image), "png").pixels == image.pixels);
    CHECK(decode_image(encode_jpeg(image), "jpeg").pixels.size() == image.pixels.size());
  }
}

TEST_CASE("bad pictures: files that cannot be read, and names that say nothing") {
  const Folder folder;
  const std::string png = encode_png(hills(4, 4, 7));
  write_file_atomically(folder / "wrong.jpg", png);
  CHECK(load_image(folder / "wrong.jpg").format == "png");
  CHECK_THROWS_AS(load_image(folder / "absent.png"), IoError);
  CHECK_THROWS_AS(load_image(folder.path().string()), IoError);
  REQUIRE(mkfifo((folder / "fifo.png").c_str(), 0600) == 0);
  CHECK_THROWS_AS(load_image(folder / "fifo.png"), IoError);
  CHECK_THROWS_AS(load_image("/dev/zero"), IoError);
  std::filesystem::create_symlink(folder / "loop.png", folder / "loop.png");
  CHECK_THROWS_AS(load_image(folder / "loop.png"), IoError);
  if (geteuid() != 0) {
    write_file_atomically(folder / "secret.png", png);
    REQUIRE(chmod((folder / "secret.png").c_str(), 0) == 0);
    CHECK_THROWS_AS(load_image(folder / "secret.png"), IoError);
  }
  DecodeLimits small;
  small.file_bytes = 10;
  CHECK_THROWS_AS(load_image(folder / "wrong.jpg", small), DataError);
  for (const char* name : {"a.jpg", "b.JPEG", "c.PnG", "d.bmp", "e.ppm", "f.gif"}) {
    CHECK(has_image_extension(name));
  }
  for (const char* name : {"a.tif", "jpg", "png.txt", "", ".jpg/x"}) {
    CHECK(!has_image_extension(name));
  }
}
