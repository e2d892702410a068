// Decoding: every layout that PNG, JPEG, BMP and PNM can have comes out as the same picture.
#include "train/image.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "tests/train/data_check.h"
#include "tests/train/picture_bytes.h"
#include "train/icc.h"

using namespace tinct;
using namespace tinct::test;
using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::uint16_t>;

namespace {

Image decode(const std::string& bytes, const DecodeLimits& limits = {}, std::size_t side = 0) {
  return decode_image(bytes, "picture", limits, side);
}

bool has_note(const Image& image, const std::string& part) {
  return std::any_of(image.notes.begin(), image.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

int furthest(const Bytes& a, const Bytes& b) {
  REQUIRE(a.size() == b.size());
  int most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(int{a[i]} - int{b[i]}));
  return most;
}

Bytes filled(std::size_t n, const Bytes& pixel) {
  Bytes out;
  for (std::size_t i = 0; i < n; ++i) out.insert(out.end(), pixel.begin(), pixel.end());
  return out;
}

}  // namespace

TEST_CASE("png: grey of 1, 2, 4, 8 and 16 bits") {
  const std::string row16 = big_endian(0x0102, 2) + big_endian(0xfffe, 2);
  CHECK(decode(png_file({2, 1, 1, 0, false, {"\x40"}, "", ""})).pixels == Bytes{0, 255});
  CHECK(decode(png_file({2, 1, 2, 0, false, {"\x60"}, "", ""})).pixels == Bytes{85, 170});
  CHECK(decode(png_file({2, 1, 4, 0, false, {"\x3f"}, "", ""})).pixels == Bytes{51, 255});
  CHECK(decode(png_file({2, 1, 8, 0, false, {"\x07\xc8"}, "", ""})).pixels == Bytes{7, 200});
  const Image deep = decode(png_file({2, 1, 16, 0, false, {row16}, "", ""}));
  CHECK(deep.bits == 16);
  CHECK(deep.channels == 1);
  CHECK(deep.pixels16 == Words{0x0102, 0xfffe});
  CHECK(deep.pixels.empty());
}

TEST_CASE("png: palette, with and without transparency") {
  const std::string palette = png_chunk("PLTE", {'\x0a', '\x14', '\x1e', '\x28', '\x32', '\x3c'});
  const Image plain = decode(png_file({2, 1, 8, 3, false, {{'\1', '\0'}}, palette, ""}));
  CHECK(plain.pixels == Bytes{40, 50, 60, 10, 20, 30});
  CHECK(plain.alpha.empty());
  const Image small = decode(png_file({2, 1, 1, 3, false, {"\x80"}, palette, ""}));
  CHECK(small.pixels == plain.pixels);
  const std::string seen = palette + png_chunk("tRNS", "\x80");
  const Image clear = decode(png_file({2, 1, 8, 3, false, {{'\1', '\0'}}, seen, ""}));
  CHECK(clear.pixels == plain.pixels);
  CHECK(clear.alpha == Words{255, 128});
}

TEST_CASE("png: alpha apart, at its own depth") {
  const Image grey = decode(png_file({2, 1, 8, 4, false, {"\x64\x32\xc8\xff"}, "", ""}));
  CHECK(grey.channels == 1);
  CHECK(grey.pixels == Bytes{100, 200});
  CHECK(grey.alpha == Words{50, 255});
  const Image colour = decode(png_file({1, 1, 8, 6, false, {"\x01\x02\x03\x04"}, "", ""}));
  CHECK(colour.pixels == Bytes{1, 2, 3});
  CHECK(colour.alpha == Words{4});
  std::string row;
  for (const int v : {1000, 2000, 3000, 40000}) row += big_endian(unsigned(v), 2);
  const Image deep = decode(png_file({1, 1, 16, 6, false, {row}, "", ""}));
  CHECK(deep.pixels16 == Words{1000, 2000, 3000});
  CHECK(deep.alpha == Words{40000});
  const std::string key = png_chunk("tRNS", big_endian(7, 2));
  const Image keyed = decode(png_file({2, 1, 8, 0, false, {"\x07\x08"}, key, ""}));
  CHECK(keyed.alpha == Words{0, 255});
}

TEST_CASE("png: interlaced") {
  // Adam7 of 3 x 3: pass 1 has (0,0); 4 has (2,0); 5 has (0,2), (2,2); 6 the rest of the even rows,
  // 7 the odd row.
  PngParts parts{3, 3, 8, 0, true, {}, "", ""};
  parts.rows = {"\x01", "\x03", "\x07\x09", "\x02", "\x08", "\x04\x05\x06"};
  CHECK(decode(png_file(parts)).pixels == Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("png: there and back, 8 and 16 bits, grey and colour, with alpha and EXIF") {
  for (const int bits : {8, 16}) {
    for (const std::size_t channels : {1, 3}) {
      for (const bool alpha : {false, true}) {
        Image image = make_image(5, 7, channels, bits);
        const Random random(3, Purpose::test);
        for (std::size_t i = 0; i < image.area() * channels; ++i) {
          if (bits == 8) image.pixels[i] = std::uint8_t(random.bits(i));
          if (bits == 16) image.pixels16[i] = std::uint16_t(random.bits(i));
        }
        if (alpha) {
          for (std::size_t i = 0; i < image.area(); ++i) {
            image.alpha.push_back(std::uint16_t(random.below(1000 + i, bits == 8 ? 256 : 65536)));
          }
        }
        image.exif = exif_block(1, true);
        const Image back = decode(encode_png(image, 1));
        CHECK(back.height == 5);
        CHECK(back.width == 7);
        CHECK(back.channels == channels);
        CHECK(back.bits == bits);
        CHECK(back.pixels == image.pixels);
        CHECK(back.pixels16 == image.pixels16);
        CHECK(back.alpha == image.alpha);
        CHECK(back.notes.empty());
        CHECK(back.exif.substr(0, 34) == image.exif.substr(0, 34));
      }
    }
  }
}

TEST_CASE("jpeg: grey, RGB, sampling, progressive and arithmetic") {
  const Bytes pixel{200, 100, 50};
  for (const bool progressive : {false, true}) {
    for (const bool arithmetic : {false, true}) {
      for (const auto& [h, v] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}}) {
        JpegParts parts{17,          9,          JCS_RGB, JCS_YCbCr, filled(17 * 9, pixel),
                        progressive, arithmetic, h,       v,         {}};
        const Image image = decode(jpeg_file(parts));
        CHECK(image.channels == 3);
        CHECK(image.format == "jpeg");
        CHECK(furthest(image.pixels, parts.samples) <= 2);
      }
    }
  }
  const JpegParts grey{9, 8, JCS_GRAYSCALE, JCS_GRAYSCALE, filled(72, {77}), false, false, 1,
                       1, {}};
  CHECK(decode(jpeg_file(grey)).channels == 1);
  CHECK(furthest(decode(jpeg_file(grey)).pixels, grey.samples) <= 1);
  const JpegParts rgb{8, 8, JCS_RGB, JCS_RGB, filled(64, pixel), false, false, 1, 1, {}};
  CHECK(furthest(decode(jpeg_file(rgb)).pixels, rgb.samples) <= 1);
}

TEST_CASE("jpeg: CMYK and YCCK as Adobe stores them, inverted") {
  // Ink of (0, .5, 1, .2): red (1 - 0)(1 - .2) = .8, green .4, blue 0.
  const Bytes stored{255, 127, 0, 204};
  for (const J_COLOR_SPACE space : {JCS_CMYK, JCS_YCCK}) {
    const JpegParts parts{8, 8, JCS_CMYK, space, filled(64, stored), false, false, 1, 1, {}};
    const Image image = decode(jpeg_file(parts));
    CHECK(image.channels == 3);
    CHECK(furthest(image.pixels, filled(64, {204, 102, 0})) <= 3);
    CHECK(has_note(image, "CMYK"));
  }
}

TEST_CASE("jpeg: there and back") {
  Image image = hills(48, 64, 5);
  image.exif = exif_block(1, false);
  const Image back = decode(encode_jpeg(image, 95));
  CHECK(furthest(back.pixels, image.pixels) <= 12);
  CHECK(back.notes.empty());  // the profile embedded is sRGB, and is known as such
  CHECK(back.exif.substr(0, 34) == image.exif.substr(0, 34));
  CHECK(encode_jpeg(image, 95) == encode_jpeg(image, 95));
  CHECK(encode_jpeg(image, 40).size() < encode_jpeg(image, 90).size());
  CHECK_THROWS_AS(encode_jpeg(image, 0), std::invalid_argument);
  CHECK_THROWS_AS(encode_jpeg(make_image(1, 65501, 1), 90), std::invalid_argument);

  Image clear = make_image(8, 8, 3, 16);
  clear.alpha.assign(64, 0);
  CHECK(furthest(decode(encode_jpeg(clear)).pixels, Bytes(192, 255)) <= 1);
}

TEST_CASE("jpeg: reduced scale keeps the shorter side at least as long as asked") {
  const std::string file = encode_jpeg(hills(80, 200, 6));
  for (const std::size_t side : {1, 10, 11, 40, 79, 80, 200}) {
    const Image image = decode(file, {}, side);
    INFO(side << ": " << image.width << " x " << image.height);
    CHECK(std::min(image.height, image.width) >= std::min<std::size_t>(side, 80));
    CHECK(image.height <= 80);
  }
  CHECK(decode(file, {}, 10).height == 10);
}

TEST_CASE("bmp: palette, 24 and 32 bits, either way up") {
  const auto bmp = [](int bits, int width, int height, const std::string& palette,
                      const std::string& pixels) {
    const auto le = little_endian;
    const unsigned at = unsigned(54 + palette.size());
    return "BM" + le(at + pixels.size(), 4) + le(0, 4) + le(at, 4) + le(40, 4) +
           le(std::uint32_t(width), 4) + le(std::uint32_t(height), 4) + le(1, 2) +
           le(std::uint32_t(bits), 2) + le(0, 4) + le(pixels.size(), 4) + le(0, 8) +
           le(palette.size() / 4, 4) + le(0, 4) + palette + pixels;
  };
  const std::string two_rows{"\x01\x02\x03\0\x04\x05\x06\0", 8};
  CHECK(decode(bmp(24, 1, 2, "", two_rows)).pixels == Bytes{6, 5, 4, 3, 2, 1});
  CHECK(decode(bmp(24, 1, -2, "", two_rows)).pixels == Bytes{3, 2, 1, 6, 5, 4});
  CHECK(decode(bmp(32, 2, 1, "", two_rows)).pixels == Bytes{3, 2, 1, 6, 5, 4});
  const std::string palette{"\x01\x02\x03\0\x04\x05\x06\0", 8};
  CHECK(decode(bmp(8, 2, 1, palette, {"\1\0\0\0", 4})).pixels == Bytes{6, 5, 4, 3, 2, 1});
  CHECK(decode(bmp(4, 2, 1, palette, {"\x10\0\0\0", 4})).pixels == Bytes{6, 5, 4, 3, 2, 1});
  CHECK(decode(bmp(1, 2, 1, palette, {"\x80\0\0\0", 4})).pixels == Bytes{6, 5, 4, 3, 2, 1});
  CHECK_THROWS_AS(decode(bmp(8, 2, 1, palette, {"\1\2\0\0", 4})), DataError);
  CHECK_THROWS_AS(decode(bmp(24, 1, 3, "", two_rows)), DataError);
  CHECK_THROWS_AS(decode(bmp(24, 0, 2, "", two_rows)), DataError);
  CHECK_THROWS_AS(decode(bmp(16, 1, 2, "", two_rows)), DataError);
}

TEST_CASE("pnm: all six kinds") {
  CHECK(decode("P1\n# note\n2 1\n10").pixels == Bytes{0, 255});
  CHECK(decode("P2 2 1 4\n1 4").pixels == Bytes{64, 255});
  CHECK(decode("P3 1 1 255 1 2 3").pixels == Bytes{1, 2, 3});
  CHECK(decode("P4 2 1\n\x80").pixels == Bytes{0, 255});
  CHECK(decode(std::string("P5 2 1 255\n\x05\xff")).pixels == Bytes{5, 255});
  CHECK(decode("P6 1 1 255\n\x01\x02\x03").pixels == Bytes{1, 2, 3});
  CHECK(decode("P5 1 1 65535\n\x12\x34").pixels16 == Words{0x1234});
  for (const char* bad :
       {"P5 2 1 255\n\x05", "P5 2 1 3\n\x05\x05", "P5 2 1 0\n\x05\x05", "P5 2 1 70000\n\x05\x05",
        "P5 2", "P2 1 1 9 x", "P6 99999999999 1 255\n", "P2 1 1 5 6", "P1 2 1 12"}) {
    INFO(bad);
    CHECK_THROWS_AS(decode(bad), DataError);
  }
}

TEST_CASE("colour management: a profile that is not sRGB changes the pixels, sRGB does not") {
  Image image = make_image(1, 3, 3);
  image.pixels = {200, 100, 50, 128, 128, 128, 10, 250, 10};
  Image same = image;
  convert_from_profile(srgb_profile(), same);
  CHECK(same.pixels == image.pixels);
  CHECK(same.notes.empty());
  Image broken = image;
  convert_from_profile("no profile at all", broken);
  CHECK(broken.pixels == image.pixels);
  CHECK(has_note(broken, "unusable"));

  // Linear light, stored with gamma 1: mid grey .5 is 188 in sRGB.
  const std::string linear = png_chunk("gAMA", big_endian(100000, 4));
  const Image grey = decode(png_file({3, 1, 8, 0, false, {{'\0', '\x80', '\xff'}}, linear, ""}));
  CHECK(furthest(grey.pixels, {0, 188, 255}) <= 1);
  CHECK(has_note(grey, "converted"));
  // sRGB says more than gAMA; 1/2.2 is what writers of sRGB write.
  const std::string both = png_chunk("sRGB", {"\0", 1}) + linear;
  CHECK(decode(png_file({2, 1, 8, 0, false, {"\x40\x80"}, both, ""})).pixels == Bytes{64, 128});
  const std::string usual = png_chunk("gAMA", big_endian(45455, 4));
  CHECK(decode(png_file({2, 1, 8, 0, false, {"\x40\x80"}, usual, ""})).pixels == Bytes{64, 128});
}

TEST_CASE("to_rgb8: grey is tripled, 16 bits are rounded") {
  Image grey = make_image(1, 2, 1);
  grey.pixels = {3, 200};
  CHECK(to_rgb8(grey).pixels == Bytes{3, 3, 3, 200, 200, 200});
  Image deep = make_image(1, 1, 3, 16);
  deep.pixels16 = {0, 128, 65535};  // 128 / 257 = .498
  CHECK(to_rgb8(deep).pixels == Bytes{0, 0, 255});
  deep.pixels16 = {129, 257, 65406};
  CHECK(to_rgb8(deep).pixels == Bytes{1, 1, 254});
}
