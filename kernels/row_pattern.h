// How a (rows, c) array with per-channel constants is walked in whole vectors, whatever c.
#pragma once

#include <cstddef>
#include <numeric>
#include <utility>

namespace tinct {

/// The array is walked in strips of `rows` rows, `width` = rows c floats: wide enough for SIMD, and
/// for fewer than 128 channels a multiple of 16, so that every vector of every strip starts aligned
/// and only the last strip is partial. Channel j's constants stand at j, j + c, ... of a table of
/// `width` floats. Sums go into `width` accumulators, folded into c in the end.
struct RowPattern {
  std::size_t c = 1;
  std::size_t rows = 1;
  std::size_t width = 1;

  explicit RowPattern(std::size_t channels) : c(channels) {
    constexpr std::size_t kLanes = 16;
    constexpr std::size_t kWidth = 128;
    if (c < kWidth) {
      rows = kLanes / std::gcd(c, kLanes);
      rows *= (kWidth + rows * c - 1) / (rows * c);
    }
    width = rows * c;
  }

  /// Rows of a tile, a whole number of strips, of about `floats` floats.
  std::size_t tile_rows(std::size_t floats) const {
    return rows * (floats > width ? floats / width : 1);
  }
  /// table[i] = values[i % c].
  void repeat(const float* values, float* table) const {
    for (std::size_t i = 0; i < width; ++i) table[i] = values[i % c];
  }
};

}  // namespace tinct
