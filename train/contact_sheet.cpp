// A contact sheet: rows of grey, coloured and original picture.
#include "train/contact_sheet.h"

#include <algorithm>

#include "train/resize.h"

namespace tinct {
namespace {

constexpr std::size_t kRow = 192;  // pixels
constexpr std::size_t kGap = 8;

Image cell(const Image& picture) {
  if (picture.width == 0) return {};
  const std::size_t width =
      std::clamp<std::size_t>(picture.width * kRow / picture.height, 1, 3 * kRow);
  return resize(to_rgb8(picture), kRow, width);
}

void paste(Image& sheet, const Image& picture, std::size_t top, std::size_t left) {
  const auto at = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i * 3); };
  for (std::size_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.pixels.begin() + at(y * picture.width), picture.width * 3,
                sheet.pixels.begin() + at((top + y) * sheet.width + left));
  }
}

}  // namespace

void ContactSheet::add_row(const Image& grey, const Image& coloured, const Image& original) {
  for (const Image* picture : {&grey, &coloured, &original}) cells_.push_back(cell(*picture));
}

Image ContactSheet::draw() const {
  std::size_t width = 1;
  for (const Image& c : cells_) width = std::max(width, c.width);
  Image sheet = make_image(cells_.size() / 3 * (kRow + kGap) + kGap, 3 * (width + kGap) + kGap, 3);
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), std::uint8_t{255});
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    paste(sheet, cells_[i], kGap + i / 3 * (kRow + kGap), kGap + i % 3 * (width + kGap));
  }
  return sheet;
}

}  // namespace tinct
