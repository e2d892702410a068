// GIF pictures: one made with Pillow, the rest packed here so that every size of code occurs.
#include <catch2/catch.hpp>
#include <map>

#include "core/error.h"
#include "core/random.h"
#include "tests/train/picture_bytes.h"
#include "train/image.h"

using namespace tinct;
using test::from_hex;

namespace {

std::string bytes16(std::size_t v) {
  return test::little_endian(v, 2);
}

// LZW as the format wants it; the table is thrown away when it is full, or kept if `keep`.
std::string pack(const std::string& indices, std::size_t code_bits, bool keep) {
  const std::size_t clear = std::size_t{1} << code_bits;
  std::map<std::string, std::size_t> codes;
  std::size_t next = 0, bits = 0, held = 0, held_bits = 0;
  std::string data;
  const auto put = [&](std::size_t code) {
    for (held |= code << held_bits, held_bits += bits; held_bits >= 8; held_bits -= 8, held >>= 8) {
      data += static_cast<char>(held & 0xff);
    }
  };
  const auto start = [&] {
    codes.clear();
    for (std::size_t i = 0; i < clear; ++i) codes[std::string(1, static_cast<char>(i))] = i;
    next = clear + 2;
    bits = code_bits + 1;
  };
  start();
  put(clear);
  std::string text;
  for (const char c : indices) {
    if (codes.contains(text + c)) {
      text += c;
      continue;
    }
    put(codes.at(text));
    if (next < 4096) {
      codes[text + c] = next++;
      // The reader is one entry behind.
      if (next - 1 == std::size_t{1} << bits) ++bits;
    } else if (!keep) {
      put(clear);
      start();
    }
    text = c;
  }
  put(codes.at(text));
  // The reader has made one more by now.
  if (next == std::size_t{1} << bits && bits < 12) ++bits;
  put(clear + 1);
  bits = 8;
  put(0);
  std::string pieces(1, static_cast<char>(code_bits));
  for (std::size_t at = 0; at < data.size(); at += 255) {
    const std::string piece = data.substr(at, 255);
    pieces += static_cast<char>(piece.size()) + piece;
  }
  return pieces + '\0';
}

struct GifParts {
  std::size_t width = 0, height = 0;
  std::string frames;  // what follows the palette
  std::size_t colours = 256;
};

std::string gif_file(const GifParts& p) {
  int bits = 0;
  while (std::size_t{2} << bits < p.colours) ++bits;
  std::string file = "GIF89a" + bytes16(p.width) + bytes16(p.height) +
                     static_cast<char>(0x80 | bits) + std::string(2, '\0');
  for (std::size_t i = 0; i < p.colours; ++i) {
    file += {static_cast<char>(i), static_cast<char>(3 * i), static_cast<char>(255 - i)};
  }
  return file + p.frames + ';';
}

std::string frame(std::size_t left, std::size_t top, std::size_t width, std::size_t height,
                  const std::string& packed, int flags = 0) {
  return "," + bytes16(left) + bytes16(top) + bytes16(width) + bytes16(height) +
         static_cast<char>(flags) + packed;
}

void check_colours(const Image& image, const std::string& indices) {
  REQUIRE(image.pixels.size() == 3 * indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto index = static_cast<std::uint8_t>(indices[i]);
    REQUIRE(image.pixels[3 * i] == index);
    REQUIRE(image.pixels[3 * i + 1] == static_cast<std::uint8_t>(3 * index));
    REQUIRE(image.pixels[3 * i + 2] == 255 - index);
  }
}

std::string noise(std::size_t count, std::uint32_t below) {
  const Random random(7, Purpose::test);
  std::string indices;
  for (std::size_t i = 0; i < count; ++i) indices += static_cast<char>(random.below(i, below));
  return indices;
}

const std::string kTwoByTwo = frame(0, 0, 2, 2, pack(std::string("\0\1\2\3", 4), 2, false));

}  // namespace

TEST_CASE("a gif that Pillow wrote is decoded to the last bit") {
  const Image image = decode_image(from_hex("4749463837610300020082000000ff0046505a28323c0a141e"
                                            "ff00000000ff0000000000002c000000000300020000080900"
                                            "0900283040408080003b"),
                                   "x");
  REQUIRE((image.width == 3 && image.height == 2));
  CHECK(image.pixels == std::vector<std::uint8_t>{255, 0, 0, 0, 255, 0, 0, 0, 255,  //
                                                  10, 20, 30, 40, 50, 60, 70, 80, 90});
}

TEST_CASE("gif: every size of code, a table that fills, one that is kept full") {
  for (const std::uint32_t colours : {2, 3, 16, 256}) {
    for (const bool keep : {false, true}) {
      for (const std::size_t side : {1, 2, 9, 150}) {
        INFO(colours << " colours, side " << side);
        const std::string indices = noise(side * (side + 1), colours);
        const std::size_t bits = colours <= 4 ? 2 : colours == 16 ? 4 : 8;
        const Image image = decode_image(
            gif_file({side + 1, side, frame(0, 0, side + 1, side, pack(indices, bits, keep))}),
            "x");
        CHECK(image.format == "gif");
        CHECK(image.alpha.empty());
        check_colours(image, indices);
      }
    }
  }
  // Runs: codes that are used in the moment in which they are made.
  const std::string run(5000, '\3');
  check_colours(decode_image(gif_file({100, 50, frame(0, 0, 100, 50, pack(run, 2, false))}), "x"),
                run);
}

TEST_CASE("gif: interlaced rows, a transparent colour, a frame smaller than the screen") {
  for (const std::size_t height : {1, 2, 3, 5, 8, 9, 17}) {
    INFO(height);
    std::string rows, sent;
    for (std::size_t y = 0; y < height; ++y) rows += std::string(3, static_cast<char>(y));
    for (const auto& [begin, step] : {std::pair{0, 8}, {4, 8}, {2, 4}, {1, 2}}) {
      for (std::size_t y = begin; y < height; y += step) sent += rows.substr(3 * y, 3);
    }
    check_colours(
        decode_image(gif_file({3, height, frame(0, 0, 3, height, pack(sent, 8, false), 0x40)}),
                     "x"),
        rows);
  }
  const std::string control("!\xf9\4\1\0\0\2\0", 8);
  const Image holes = decode_image(gif_file({2, 2, control + kTwoByTwo}), "x");
  CHECK(holes.alpha == std::vector<std::uint16_t>{255, 255, 0, 255});
  const Image small = decode_image(
      gif_file(
          {3, 1, "!\xfe\3abc" + std::string(1, '\0') + frame(1, 0, 1, 1, pack("\5", 8, false))}),
      "x");
  CHECK(small.alpha == std::vector<std::uint16_t>{0, 255, 0});
  CHECK(small.pixels[3] == 5);
  const Image larger = decode_image(gif_file({1, 1, kTwoByTwo}), "x");
  CHECK((larger.width == 2 && larger.height == 2));
}

TEST_CASE("gif that moves, is cut off, lies or is too large is refused") {
  const auto refusal = [](const std::string& file, const DecodeLimits& limits = {}) {
    try {
      decode_image(file, "x", limits);
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  using Catch::Contains;
  const std::string good = gif_file({2, 2, kTwoByTwo, 4});
  CHECK(refusal(good) == "");
  for (std::size_t size = 6; size < good.size(); ++size) {
    INFO(size);
    CHECK_THAT(refusal(good.substr(0, size)), Contains("damaged or truncated GIF"));
  }
  CHECK_THAT(refusal(gif_file({2, 2, kTwoByTwo + kTwoByTwo})),
             Contains("animated GIF of 2 frames"));
  CHECK_THAT(refusal(gif_file({2, 2, ""})), Contains("no picture"));
  CHECK_THAT(refusal(gif_file({2, 2, kTwoByTwo, 2})), Contains("outside the palette"));
  CHECK_THAT(refusal(gif_file({2, 2, frame(0, 0, 0, 2, pack("\1", 2, false))})), Contains("zero"));
  CHECK_THAT(refusal(gif_file({2, 2, frame(0, 0, 2, 3, pack("\1", 2, false))})),
             Contains("too few pixels"));
  CHECK_THAT(refusal(gif_file({1, 1, frame(0, 0, 1, 1, std::string("\2\1\x3c\0", 4))})),
             Contains("a code before its text"));  // 4, then 7
  CHECK_THAT(refusal(gif_file({1, 1, frame(0, 0, 1, 1, std::string("\x0c\1\0\0", 4))})),
             Contains("wrong size"));
  CHECK_THAT(refusal(gif_file({65535, 65535, kTwoByTwo})), Contains("more than 32767 a side"));
  CHECK_THAT(refusal(gif_file({20000, 20000, kTwoByTwo})), Contains("more than the limit"));
  DecodeLimits limits;
  limits.pixels = 3;
  CHECK_THAT(refusal(good, limits), Contains("limit of 3 pixels"));
}
