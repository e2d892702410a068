// The PNM family (P1..P6), by its specification, with every number checked.
#include <cctype>
#include <string>

#include "core/error.h"
#include "train/codec.h"

namespace tinct {
namespace {

/// Reads a header's, or a plain file's, whitespace-separated decimal numbers.
class Scanner {
 public:
  Scanner(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t number() {
    skip_space();
    std::uint64_t value = 0;
    const std::size_t start = at_;
    while (at_ < bytes_.size() && is_digit() && at_ - start < 10) {
      value = value * 10 + static_cast<unsigned>(bytes_[at_++] - '0');
    }
    if (at_ == start || (at_ < bytes_.size() && is_digit()))
      fail("a number is missing or too long");
    return value;
  }
  /// One digit of a plain bitmap, which need no space between them.
  std::uint64_t bit() {
    skip_space();
    if (at_ == bytes_.size() || (bytes_[at_] != '0' && bytes_[at_] != '1'))
      fail("a bit is missing");
    return static_cast<std::uint64_t>(bytes_[at_++] - '0');
  }
  /// What follows the single space after a header.
  std::string_view rest() {
    if (at_ == bytes_.size() || !is_space()) fail("the header does not end");
    return bytes_.substr(at_ + 1);
  }
  [[noreturn]] void fail(const std::string& reason) const {
    throw DataError(name_ + ": damaged or truncated PNM (" + reason + "); use an intact copy");
  }

 private:
  bool is_digit() const { return bytes_[at_] >= '0' && bytes_[at_] <= '9'; }
  bool is_space() const { return std::isspace(static_cast<unsigned char>(bytes_[at_])) != 0; }
  void skip_space() {
    while (at_ < bytes_.size() && (is_space() || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t at_ = 2;
};

void store(Image& image, std::size_t i, std::uint64_t value, std::uint64_t most) {
  const std::uint64_t scale = image.bits == 16 ? 65535 : 255;
  const std::uint64_t level = (value * scale + most / 2) / most;
  if (image.bits == 16) {
    image.pixels16[i] = static_cast<std::uint16_t>(level);
  } else {
    image.pixels[i] = static_cast<std::uint8_t>(level);
  }
}

/// Rows of bits, each padded to a byte; 1 is black.
void read_bitmap(const Scanner& scanner, std::string_view data, Image& image) {
  const std::size_t stride = (image.width + 7) / 8;
  if (data.size() < stride * image.height) scanner.fail("too few pixels");
  for (std::size_t y = 0; y < image.height; ++y) {
    for (std::size_t x = 0; x < image.width; ++x) {
      const auto byte = static_cast<unsigned char>(data[y * stride + x / 8]);
      store(image, y * image.width + x, (byte >> (7 - x % 8) & 1) ^ 1, 1);
    }
  }
}

void read_binary(const Scanner& scanner, std::string_view data, std::uint64_t most, Image& image) {
  const std::size_t count = image.area() * image.channels, width = most > 255 ? 2 : 1;
  if (data.size() / width < count) scanner.fail("too few pixels");
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t value = static_cast<unsigned char>(data[i * width]);
    if (width == 2) value = value << 8 | static_cast<unsigned char>(data[2 * i + 1]);
    if (value > most) scanner.fail("a pixel is above the maximum that the header names");
    store(image, i, value, most);
  }
}

}  // namespace

Image decode_pnm(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  const char kind = bytes[1];
  const bool bitmap = kind == '1' || kind == '4', plain = kind <= '3';
  Scanner scanner(bytes, name);
  const std::uint64_t width = scanner.number(), height = scanner.number();
  const std::uint64_t most = bitmap ? 1 : scanner.number();
  check_extents(name, height, width, limits);
  if (most < 1 || most > 65535) scanner.fail("the maximum must be 1..65535");
  const std::size_t channels = kind == '3' || kind == '6' ? 3 : 1;
  // A plain file spends a byte on every number: too short a one is refused before it gets memory.
  if (bytes.size() < height * width * channels / 8) scanner.fail("too few pixels");
  Image image = make_image(height, width, channels, most > 255 ? 16 : 8);
  image.format = "pnm";
  if (!plain) {
    bitmap ? read_bitmap(scanner, scanner.rest(), image)
           : read_binary(scanner, scanner.rest(), most, image);
    return image;
  }
  for (std::size_t i = 0; i < image.area() * channels; ++i) {
    const std::uint64_t value = bitmap ? scanner.bit() ^ 1 : scanner.number();
    if (value > most) scanner.fail("a pixel is above the maximum that the header names");
    store(image, i, value, most);
  }
  return image;
}

}  // namespace tinct
