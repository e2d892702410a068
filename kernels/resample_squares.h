// Squares cut out of pictures, brought to one size: how a training batch is made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tinct {

/// A square of sRGB, (side,side,3).
struct Square {
  const std::uint8_t* rgb = nullptr;
  std::size_t side = 0;
  bool mirrored = false;  ///< the result is turned left to right
};

namespace cpu {

/// to (squares,crop,crop,3): each resampled by a triangle filter that is widened when shrinking,
/// the same bits as augment() of train/augment.h makes of it, which is faster. crop >= 1, sides 1
/// to 32767.
void resample_squares(const std::vector<Square>& squares, std::size_t crop, std::uint8_t* to);

}  // namespace cpu

namespace gpu {

/// On device memory; the same bits.
void resample_squares(const std::vector<Square>& squares, std::size_t crop, std::uint8_t* to);

}  // namespace gpu
}  // namespace tinct
