// A small matrix and a shift for every pixel, the result clipped or not. Bytes: 4 (in + out) a
// pixel.
#pragma once

#include <array>
#include <cstddef>

namespace tinct {

/// y = factor x + shift, of pixels with `in` and `out` components; then clipped to 0..1.
struct PixelAffine {
  std::size_t in = 3, out = 3;
  std::array<std::array<float, 3>, 3> factor = {};  ///< [output][input]
  std::array<float, 3> shift = {};
  bool clip = false;
};

namespace cpu {

/// x (pixels,in), y (pixels,out); `added` (pixels) joins every component before clipping, unless
/// null.
void pixel_affine(const PixelAffine& map, std::size_t pixels, const float* x, const float* added,
                  float* y);
/// dx, given dy and, for a map that clips, the result y: no gradient passes where it is 0 or 1.
void pixel_affine_backward(const PixelAffine& map, std::size_t pixels, const float* y,
                           const float* dy, float* dx);

}  // namespace cpu

namespace gpu {

/// On device memory, 8-byte aligned.
void pixel_affine(const PixelAffine& map, std::size_t pixels, const float* x, const float* added,
                  float* y);
void pixel_affine_backward(const PixelAffine& map, std::size_t pixels, const float* y,
                           const float* dy, float* dx);

}  // namespace gpu
}  // namespace tinct
