// Pictures met before: the same pixels, or the same picture resized, recompressed or retouched.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "train/image.h"

namespace tinct {

/// What is compared: a hash of the pixels, and a thumbnail with its difference hash (the signs of
/// the differences between neighbours of an 8x9 luma thumbnail: N. Krawetz, "Kind of Like That",
/// 2013).
struct PictureFingerprint {
  std::uint64_t pixels = 0;
  std::uint64_t difference_hash = 0;
  std::array<std::uint8_t, 8 * 9 * 3> thumbnail{};
};

/// Of an 8-bit sRGB image.
PictureFingerprint fingerprint(const Image& image);

/// Two pictures are near duplicates when at most 3 bits of their difference hashes differ (flat
/// pictures share hashes by chance, hence the second test) and the root mean square difference of
/// their thumbnails is at most 6 levels of 255.
bool near_duplicates(const PictureFingerprint& a, const PictureFingerprint& b);

/// The pictures kept so far.
class DuplicateFilter {
 public:
  struct Match {
    std::string name;  ///< of the picture met before; empty when there is none
    bool exact = false;
  };
  /// The first picture kept that equals this one, or nearly does.
  Match find(const PictureFingerprint& picture) const;
  void keep(const PictureFingerprint& picture, std::string name);

 private:
  std::vector<PictureFingerprint> kept_;
  std::vector<std::string> names_;
  std::unordered_map<std::uint64_t, std::size_t> by_pixels_;
  // Of 64 bits in four bands, at most 3 differing bits leave one band equal.
  std::array<std::unordered_map<std::uint16_t, std::vector<std::size_t>>, 4> by_band_;
};

}  // namespace tinct
