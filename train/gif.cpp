// GIF pictures of one frame. Source: "Graphics Interchange Format, version 89a", CompuServe 1990.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/error.h"
#include "train/codec.h"

namespace tinct {
namespace {

using Palette = std::string_view;  // red, green, blue of each colour

constexpr int kNone = -1;

struct Frame {
  std::size_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  Palette palette;
  int transparent = kNone;  // a palette index
  std::size_t code_bits = 0;
  std::string data;  // LZW codes
};

// Codes of varying size, the lowest bits first.
class CodeReader {
 public:
  explicit CodeReader(std::string_view bytes) : bytes_(bytes) {}

  // Nothing at the end.
  std::optional<std::size_t> read(std::size_t bits) {
    for (; held_ < bits; held_ += 8) {
      if (at_ == bytes_.size()) return std::nullopt;
      hold_ |= std::size_t{static_cast<std::uint8_t>(bytes_[at_++])} << held_;
    }
    const std::size_t code = hold_ & ((std::size_t{1} << bits) - 1);
    hold_ >>= bits;
    held_ -= bits;
    return code;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0, hold_ = 0, held_ = 0;
};

class GifReader {
 public:
  GifReader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Image read(const DecodeLimits& limits) {
    at_ = 6;  // the signature
    const std::size_t screen_width = number(2), screen_height = number(2);
    const std::size_t flags = number(1);
    number(2);  // background and aspect, which nobody honours
    const Palette palette = read_palette(flags);
    read_blocks(palette);
    // Where the frame reaches over the screen, the picture is as large as the frame needs.
    const std::size_t height = std::max(screen_height, frame_.top + frame_.height);
    const std::size_t width = std::max(screen_width, frame_.left + frame_.width);
    check_extents(name_, height, width, limits);
    return paint(unpack(), height, width);
  }

 private:
  [[noreturn]] void damaged(const std::string& reason) const {
    throw DataError(name_ + ": damaged or truncated GIF (" + reason + "); use an intact copy");
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) damaged("unexpected end");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  std::size_t number(std::size_t count) {  // little-endian
    std::size_t value = 0, shift = 0;
    for (const char c : take(count)) {
      value |= std::size_t{static_cast<std::uint8_t>(c)} << shift;
      shift += 8;
    }
    return value;
  }
  Palette read_palette(std::size_t flags) {
    return (flags & 0x80) != 0 ? take(std::size_t{3} << ((flags & 7) + 1)) : Palette();
  }

  // Up to the end; all of it must be there, so that a second frame is not missed.
  void read_blocks(Palette palette) {
    std::size_t frames = 0;
    int transparent = kNone;
    for (std::size_t block = number(1); block != 0x3b; block = number(1)) {
      if (block == 0x2c) {
        Frame frame = read_frame(palette);
        frame.transparent = std::exchange(transparent, kNone);
        if (frames++ == 0) frame_ = std::move(frame);
      } else if (block == 0x21) {
        const bool control = number(1) == 0xf9;
        const std::string data = read_pieces();
        if (control && data.size() >= 4 && (data[0] & 1) != 0) {
          transparent = static_cast<std::uint8_t>(data[3]);
        }
      } else {
        damaged("an unknown block");
      }
    }
    if (frames == 0) damaged("no picture in it");
    if (frames > 1) {
      throw DataError(name_ + ": an animated GIF of " + std::to_string(frames) +
                      " frames, which is not read; save one frame of it first");
    }
  }

  Frame read_frame(Palette palette) {
    Frame f;
    f.left = number(2), f.top = number(2), f.width = number(2), f.height = number(2);
    const std::size_t flags = number(1);
    f.interlaced = (flags & 0x40) != 0;
    f.palette = read_palette(flags);
    if (f.palette.empty()) f.palette = palette;
    f.code_bits = number(1);
    f.data = read_pieces();
    if (f.width == 0 || f.height == 0) damaged("a side is zero");
    if (f.palette.empty()) damaged("no palette");
    if (f.code_bits < 1 || f.code_bits > 8) damaged("codes of a wrong size");
    return f;
  }

  // Data comes in pieces of up to 255 bytes; an empty one ends it.
  std::string read_pieces() {
    std::string data;
    while (const std::size_t size = number(1)) data += take(size);
    return data;
  }

  // The frame's palette indices, rows as they were sent.
  std::string unpack() const {
    constexpr std::size_t kCodes = 4096;
    struct Entry {
      std::uint16_t prefix, length;
      char last;
    };
    std::array<Entry, kCodes> table{};
    const std::size_t clear = std::size_t{1} << frame_.code_bits, end = clear + 1;
    for (std::size_t i = 0; i < clear; ++i) table[i] = {0, 1, static_cast<char>(i)};
    std::string out(frame_.width * frame_.height, '\0');
    std::size_t done = 0, next = end + 1, bits = frame_.code_bits + 1;
    std::size_t previous = kCodes;  // none yet; else its text is the last in `out`
    CodeReader reader(frame_.data);
    while (done < out.size()) {
      const std::optional<std::size_t> code = reader.read(bits);
      if (!code || *code == end) damaged("too few pixels");
      if (*code == clear) {
        next = end + 1, bits = frame_.code_bits + 1;
        previous = kCodes;
        continue;
      }
      // One that only now is made: the text before, and that text's first letter.
      const bool fresh = previous < kCodes && *code == next;
      if (*code >= next && !fresh) damaged("a code before its text");
      const std::size_t length = fresh ? table[previous].length + 1u : table[*code].length;
      if (length > out.size() - done) damaged("too many pixels");
      if (fresh) {
        const std::size_t begin = done - table[previous].length;
        for (std::size_t i = 0; i < length; ++i) out[done + i] = out[begin + i];
      } else {
        std::size_t at = *code;
        for (std::size_t i = length; i-- > 0; at = table[at].prefix) out[done + i] = table[at].last;
      }
      if (previous < kCodes && next < kCodes) {
        table[next++] = {static_cast<std::uint16_t>(previous),
                         static_cast<std::uint16_t>(table[previous].length + 1), out[done]};
        if (next == std::size_t{1} << bits && next < kCodes) ++bits;
      }
      previous = *code;
      done += length;
    }
    return out;
  }

  // What the frame does not cover, or shows through, is transparent.
  Image paint(const std::string& indices, std::size_t height, std::size_t width) const {
    Image image = make_image(height, width, 3);
    image.format = "gif";
    image.alpha.assign(height * width, 0);
    std::size_t row = 0, pass = 0;
    constexpr std::size_t kBegin[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
    for (std::size_t sent = 0; sent < frame_.height; ++sent) {
      while (frame_.interlaced && row >= frame_.height) row = kBegin[++pass];
      const std::size_t at = (frame_.top + row) * width + frame_.left;
      for (std::size_t x = 0; x < frame_.width; ++x) {
        const auto index = static_cast<std::uint8_t>(indices[sent * frame_.width + x]);
        if (3u * index >= frame_.palette.size()) damaged("a pixel outside the palette");
        for (std::size_t c = 0; c < 3; ++c) {
          image.pixels[3 * (at + x) + c] = static_cast<std::uint8_t>(frame_.palette[3 * index + c]);
        }
        if (index != frame_.transparent) image.alpha[at + x] = 255;
      }
      row += frame_.interlaced ? kStep[pass] : 1;
    }
    const auto opaque = [](std::uint16_t a) { return a == 255; };
    if (std::all_of(image.alpha.begin(), image.alpha.end(), opaque)) image.alpha.clear();
    return image;
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
  Frame frame_;
};

}  // namespace

Image decode_gif(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return GifReader(bytes, name).read(limits);
}

}  // namespace tinct
