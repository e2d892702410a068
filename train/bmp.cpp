// Windows bitmaps without compression: 1, 4 and 8 bits with a palette, 24 and 32 bits.
#include <array>
#include <string>

#include "core/error.h"
#include "train/codec.h"

namespace tinct {
namespace {

class BmpReader {
 public:
  BmpReader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Image read(const DecodeLimits& limits) {
    read_header(limits);
    if (bits_ <= 8) read_palette();
    const std::size_t stride = (width_ * bits_ + 31) / 32 * 4;
    if (pixels_at_ > bytes_.size() || (bytes_.size() - pixels_at_) / stride < height_) {
      damaged("too few pixels");
    }
    Image image = make_image(height_, width_, 3);
    image.format = "bmp";
    for (std::size_t y = 0; y < height_; ++y) {
      const std::size_t row = top_down_ ? y : height_ - 1 - y;
      read_row(pixels_at_ + row * stride, image.pixels.data() + y * width_ * 3);
    }
    return image;
  }

 private:
  [[noreturn]] void damaged(const std::string& reason) const {
    throw DataError(name_ + ": damaged or truncated BMP (" + reason + "); use an intact copy");
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw DataError(name_ + ": BMP with " + what + "; convert it to PNG first");
  }
  std::uint32_t number(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > bytes_.size() - offset) damaged("unexpected end");
    std::uint32_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes_[offset + i]);
    }
    return value;
  }

  void read_header(const DecodeLimits& limits) {
    pixels_at_ = number(10, 4);
    header_bytes_ = number(14, 4);
    if (header_bytes_ < 40 || header_bytes_ > 124)
      unsupported("a header of an old or unknown kind");
    const auto width = static_cast<std::int32_t>(number(18, 4));
    const auto height = static_cast<std::int32_t>(number(22, 4));
    top_down_ = height < 0;
    const std::int64_t rows = top_down_ ? -std::int64_t{height} : std::int64_t{height};
    if (width <= 0 || rows <= 0) damaged("a side is zero or negative");
    check_extents(name_, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(width),
                  limits);
    height_ = static_cast<std::size_t>(rows), width_ = static_cast<std::size_t>(width);
    bits_ = number(28, 2);
    if (bits_ != 1 && bits_ != 4 && bits_ != 8 && bits_ != 24 && bits_ != 32) {
      unsupported(std::to_string(bits_) + " bits a pixel");
    }
    const std::uint32_t compression = number(30, 4);
    const bool masks = compression == 3 && bits_ == 32;
    if (compression != 0 && !masks) unsupported("compression");
    if (masks && (number(54, 4) != 0xff0000 || number(58, 4) != 0xff00 || number(62, 4) != 0xff)) {
      unsupported("unusual colour masks");
    }
  }

  void read_palette() {
    std::size_t count = number(46, 4);
    const std::size_t most = std::size_t{1} << bits_;
    if (count == 0) count = most;
    if (count > most) damaged("too large a palette");
    palette_.fill({});
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t bgr = number(14 + header_bytes_ + 4 * i, 3);
      palette_[i] = {static_cast<std::uint8_t>(bgr >> 16), static_cast<std::uint8_t>(bgr >> 8),
                     static_cast<std::uint8_t>(bgr)};
    }
    colours_ = count;
  }

  void read_row(std::size_t at, std::uint8_t* rgb) const {
    const auto byte = [this](std::size_t i) { return static_cast<std::uint8_t>(bytes_[i]); };
    for (std::size_t x = 0; x < width_; ++x, rgb += 3) {
      if (bits_ >= 24) {
        const std::size_t from = at + x * bits_ / 8;
        rgb[0] = byte(from + 2), rgb[1] = byte(from + 1), rgb[2] = byte(from);
        continue;
      }
      const std::size_t bit = x * bits_;
      const unsigned index = byte(at + bit / 8) >> (8 - bits_ - bit % 8) & ((1u << bits_) - 1);
      if (index >= colours_) damaged("a pixel outside the palette");
      for (std::size_t c = 0; c < 3; ++c) rgb[c] = palette_[index][c];
    }
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t pixels_at_ = 0, header_bytes_ = 0, height_ = 0, width_ = 0, bits_ = 0, colours_ = 0;
  bool top_down_ = false;
  std::array<std::array<std::uint8_t, 3>, 256> palette_{};
};

}  // namespace

Image decode_bmp(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return BmpReader(bytes, name).read(limits);
}

}  // namespace tinct
