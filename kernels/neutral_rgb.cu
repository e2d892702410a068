// Lightness as grey RGB, and as blocks of pixels, on the GPU. Once a picture: simple loads will do.
#include "core/simt/simt.h"
#include "kernels/neutral_rgb.h"

namespace tinct::gpu {
namespace {

// The sRGB component of grey of lightness l: f^-1 of CIE 15, then the curve of IEC 61966-2-1.
__device__ float grey_of(float l) {
  const float f = (l + 16) / 116;
  const float light = f > 6.0f / 29 ? f * f * f : (f - 4.0f / 29) * (108.0f / 841);
  return light <= 0.0031308f ? 12.92f * light : 1.055f * powf(light, 1 / 2.4f) - 0.055f;
}

// Threads own components, so that the stores of a warp are side by side.
__global__ void neutral_kernel(std::size_t components, const float* x, float* rgb) {
  for (std::size_t i = first_item(); i < components; i += item_step()) {
    const float l = x[i / 3] * 50 + 50;
    rgb[i] = grey_of(l < 0 ? 0 : l > 100 ? 100 : l);  // NaN stays
  }
}

// Threads own outputs; a row of pixels is `columns` blocks.
__global__ void blocks_kernel(unsigned columns, unsigned side, std::size_t outputs, const float* x,
                              float* y) {
  const unsigned area = side * side;
  for (std::size_t i = first_item(); i < outputs; i += item_step()) {
    const std::size_t block = i / area;
    const unsigned inside = static_cast<unsigned>(i % area);
    const std::size_t row = block / columns * side + inside / side;
    const std::size_t column = block % columns * side + inside % side;
    y[i] = x[row * columns * side + column];
  }
}

}  // namespace

void neutral_rgb(std::size_t pixels, const float* x, float* rgb) {
  if (pixels == 0) return;
  launch(over(3 * pixels), neutral_kernel, 3 * pixels, x, rgb);
}

void space_to_depth(const Shape& s, std::size_t side, const float* x, float* y) {
  if (s.size() == 0) return;
  launch(over(s.size()), blocks_kernel, static_cast<unsigned>(s.w / side),
         static_cast<unsigned>(side), s.size(), x, y);
}

}  // namespace tinct::gpu
