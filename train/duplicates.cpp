// Finding duplicates.
#include "train/duplicates.h"

#include <algorithm>
#include <bit>

#include "core/hash.h"
#include "train/resize.h"

namespace tinct {
namespace {

constexpr int most_bits = 3;
constexpr int most_levels = 6;

std::uint16_t band(std::uint64_t hash, std::size_t which) {
  return static_cast<std::uint16_t>(hash >> (16 * which));
}

}  // namespace

PictureFingerprint fingerprint(const Image& image) {
  PictureFingerprint f;
  f.pixels = hash64(image.pixels.data(), image.pixels.size(), image.width);
  const Image small = resize(image, 8, 9);
  std::copy(small.pixels.begin(), small.pixels.end(), f.thumbnail.begin());
  const auto luma = [&](std::size_t y, std::size_t x) {
    const std::uint8_t* p = &f.thumbnail[(y * 9 + x) * 3];
    return 299 * p[0] + 587 * p[1] + 114 * p[2];
  };
  for (std::size_t y = 0; y < 8; ++y) {
    for (std::size_t x = 0; x < 8; ++x) {
      f.difference_hash |= std::uint64_t{luma(y, x) < luma(y, x + 1)} << (y * 8 + x);
    }
  }
  return f;
}

bool near_duplicates(const PictureFingerprint& a, const PictureFingerprint& b) {
  if (std::popcount(a.difference_hash ^ b.difference_hash) > most_bits) return false;
  std::size_t squares = 0;
  for (std::size_t i = 0; i < a.thumbnail.size(); ++i) {
    const int d = a.thumbnail[i] - b.thumbnail[i];
    squares += static_cast<std::size_t>(d * d);
  }
  return squares <= a.thumbnail.size() * most_levels * most_levels;
}

DuplicateFilter::Match DuplicateFilter::find(const PictureFingerprint& picture) const {
  const auto exact = by_pixels_.find(picture.pixels);
  if (exact != by_pixels_.end()) return {names_[exact->second], true};
  std::size_t first = kept_.size();
  for (std::size_t b = 0; b < by_band_.size(); ++b) {
    const auto bucket = by_band_[b].find(band(picture.difference_hash, b));
    if (bucket == by_band_[b].end()) continue;
    for (const std::size_t i : bucket->second) {
      if (i >= first) break;
      if (near_duplicates(kept_[i], picture)) first = i;
    }
  }
  return {first < kept_.size() ? names_[first] : "", false};
}

void DuplicateFilter::keep(const PictureFingerprint& picture, std::string name) {
  const std::size_t i = kept_.size();
  kept_.push_back(picture);
  names_.push_back(std::move(name));
  by_pixels_.emplace(picture.pixels, i);
  for (std::size_t b = 0; b < by_band_.size(); ++b) {
    by_band_[b][band(picture.difference_hash, b)].push_back(i);
  }
}

}  // namespace tinct
