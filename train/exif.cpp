// EXIF orientation: reading it, resetting it, and turning pixels by it (Exif 2.32, TIFF 6.0).
#include "train/exif.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/threads.h"

namespace tinct {
namespace {

constexpr unsigned orientation_tag = 0x0112;
constexpr unsigned thumbnail_offset_tag = 0x0201;
constexpr unsigned thumbnail_length_tag = 0x0202;
constexpr unsigned exif_folder_tag = 0x8769;
constexpr unsigned width_tag = 0xA002;
constexpr unsigned height_tag = 0xA003;

/// A TIFF block with every access checked.
class Block {
 public:
  explicit Block(std::string& bytes) : bytes_(bytes) {}

  bool valid() {
    if (bytes_.size() < 8) return false;
    little_ = bytes_[0] == 'I';
    return bytes_.compare(0, 2, little_ ? "II" : "MM") == 0 && number(2, 2) == 42;
  }
  bool holds(std::size_t offset, std::size_t count) const {
    return offset <= bytes_.size() && count <= bytes_.size() - offset;
  }
  std::size_t number(std::size_t offset, std::size_t count) const {
    std::size_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = little_ ? offset + count - 1 - i : offset + i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    return value;
  }
  void set_number(std::size_t offset, std::size_t count, std::size_t value) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t shift = 8 * (little_ ? i : count - 1 - i);
      bytes_[offset + i] = static_cast<char>(value >> shift & 0xff);
    }
  }
  /// Where the entry of `tag` in the folder at `folder` starts: tag, type, count, value.
  std::optional<std::size_t> find(std::size_t folder, unsigned tag) const {
    if (!holds(folder, 2)) return {};
    const std::size_t count = number(folder, 2);
    if (!holds(folder + 2, 12 * count)) return {};
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t entry = folder + 2 + 12 * i;
      if (number(entry, 2) == tag) return entry;
    }
    return {};
  }
  /// The single SHORT or LONG of an entry.
  std::optional<std::size_t> value(std::size_t entry) const {
    const std::size_t type = number(entry + 2, 2);
    if ((type != 3 && type != 4) || number(entry + 4, 4) != 1) return {};
    return number(entry + 8, type == 3 ? 2 : 4);
  }
  /// Where the folder at `folder` says where the next one is.
  std::optional<std::size_t> link(std::size_t folder) const {
    if (!holds(folder, 2)) return {};
    const std::size_t at = folder + 2 + 12 * number(folder, 2);
    if (!holds(at, 4)) return {};
    return at;
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string& bytes_;
  bool little_ = true;
};

/// The thumbnail shows the picture as it was before.
void drop_thumbnail(Block& block, std::size_t folder) {
  const auto link = block.link(folder);
  if (!link) return;
  const std::size_t next = block.number(*link, 4);
  if (next == 0) return;
  const auto offset_entry = block.find(next, thumbnail_offset_tag);
  const auto length_entry = block.find(next, thumbnail_length_tag);
  block.set_number(*link, 4, 0);
  if (!offset_entry || !length_entry) return;
  const auto offset = block.value(*offset_entry), length = block.value(*length_entry);
  if (!offset || !length || *offset < 8 || !block.holds(*offset, *length)) return;
  if (*offset + *length == block.bytes().size()) {
    block.bytes().resize(*offset);
  } else {
    std::fill_n(block.bytes().begin() + static_cast<std::ptrdiff_t>(*offset), *length, '\0');
  }
}

void exchange_extents(Block& block, std::size_t folder) {
  const auto entry = block.find(folder, exif_folder_tag);
  if (!entry) return;
  const auto inner = block.value(*entry);
  if (!inner) return;
  const auto width = block.find(*inner, width_tag), height = block.find(*inner, height_tag);
  if (!width || !height) return;
  for (std::size_t i = 2; i < 12; ++i) {
    std::swap(block.bytes()[*width + i], block.bytes()[*height + i]);
  }
}

}  // namespace

int take_orientation(std::string& exif) {
  Block block(exif);
  if (!block.valid()) {
    exif.clear();
    return 1;
  }
  const std::size_t folder = block.number(4, 4);
  if (!block.link(folder)) {
    exif.clear();
    return 1;
  }
  int orientation = 1;
  if (const auto entry = block.find(folder, orientation_tag)) {
    const auto value = block.value(*entry);
    if (value && *value >= 1 && *value <= 8) {
      orientation = static_cast<int>(*value);
      block.set_number(*entry + 8, block.number(*entry + 2, 2) == 3 ? 2 : 4, 1);
    }
  }
  if (orientation >= 5) exchange_extents(block, folder);
  drop_thumbnail(block, folder);
  return orientation;
}

template <class Level>
std::vector<Level> apply_orientation(int orientation, const std::vector<Level>& samples,
                                     std::size_t height, std::size_t width, std::size_t channels) {
  if (orientation <= 1 || orientation > 8) return samples;
  const bool turned = orientation >= 5;
  const std::size_t out_height = turned ? width : height, out_width = turned ? height : width;
  // Which source axes run backwards along the upright rows and columns.
  const bool up = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool left = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  std::vector<Level> out(samples.size());
  const std::size_t tile = 32;  // both the rows read and the rows written of a tile stay in cache
  parallel_for((out_height + tile - 1) / tile, [&](std::size_t first, std::size_t last) {
    for (std::size_t x0 = 0; x0 < out_width; x0 += tile) {
      for (std::size_t y = first * tile; y < std::min(last * tile, out_height); ++y) {
        for (std::size_t x = x0; x < std::min(x0 + tile, out_width); ++x) {
          const std::size_t row = up ? out_height - 1 - y : y,
                            column = left ? out_width - 1 - x : x;
          const std::size_t from = turned ? column * width + row : row * width + column;
          for (std::size_t c = 0; c < channels; ++c) {
            out[(y * out_width + x) * channels + c] = samples[from * channels + c];
          }
        }
      }
    }
  });
  return out;
}

template std::vector<std::uint8_t> apply_orientation(int, const std::vector<std::uint8_t>&,
                                                     std::size_t, std::size_t, std::size_t);
template std::vector<std::uint16_t> apply_orientation(int, const std::vector<std::uint16_t>&,
                                                      std::size_t, std::size_t, std::size_t);

}  // namespace tinct
