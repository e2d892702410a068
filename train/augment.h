// Augmentation: crop, scale and flip as pure functions of (seed, epoch, sample).
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace tinct {

/// How a training sample is cut from a picture: a square window at a random place, whose side is a
/// random fraction of the picture's short side, brought to crop x crop pixels and mirrored half of
/// the time. A picture that has the pixels is never enlarged: the window is at least crop wide. The
/// defaults suit a colorizer that works on pictures with a short side of about 256: crop 128 from
/// 0.4..1 of the short side is seeing them at short sides of 128..320.
struct AugmentOptions {
  std::size_t crop = 128;
  double scale_min = 0.4;  ///< fractions of the short side, 0 < scale_min <= scale_max <= 1;
  double scale_max = 1.0;  ///< drawn evenly in their logarithm
  bool flip = true;        ///< left-right
  bool centre = false;     ///< the window lies in the middle instead of anywhere

  /// The largest square in the middle, unflipped: the same for every epoch.
  static AugmentOptions none(std::size_t crop) { return {crop, 1.0, 1.0, false, true}; }
};

/// A window of a picture, in its own pixels.
struct Window {
  std::size_t top = 0;
  std::size_t left = 0;
  std::size_t side = 0;
  bool mirrored = false;

  friend bool operator==(const Window&, const Window&) = default;
};

/// The window of a sample in a picture of that size. `sample` is the position in the epoch, so that
/// a picture drawn twice in an epoch is cut twice. Throws std::invalid_argument for options out of
/// range or an empty picture.
Window draw_window(std::size_t height, std::size_t width, const AugmentOptions& options,
                   std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample);

/// A sample as it is cut out of its picture, before it is brought to size.
struct Cut {
  Tensor square;  ///< u8 (1,side,side,3)
  bool mirrored = false;
};

/// The window above of u8 (1,h,w,3), as it is.
Cut cut_out(const Tensor& rgb, const AugmentOptions& options, std::uint64_t seed,
            std::uint64_t epoch, std::uint64_t sample);

/// u8 (1,h,w,3) -> u8 (1,crop,crop,3): the window above, resampled with antialiasing.
Tensor augment(const Tensor& rgb, const AugmentOptions& options, std::uint64_t seed,
               std::uint64_t epoch, std::uint64_t sample);

}  // namespace tinct
