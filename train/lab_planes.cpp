// Pictures as planes of CIELAB, and back.
#include "train/lab_planes.h"

#include <vector>

#include "kernels/colour.h"

namespace tinct {

LabPlanes lab_planes(const Tensor& rgb) {
  const Shape s = rgb.shape();
  std::vector<float> lab(rgb.size());
  cpu::srgb_to_lab(s.pixels(), rgb.u8(), lab.data());
  LabPlanes out{Tensor({s.n, s.h, s.w, 1}), Tensor({s.n, s.h, s.w, 2})};
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    out.lightness.f32()[i] = lab[3 * i];
    out.ab.f32()[2 * i] = lab[3 * i + 1];
    out.ab.f32()[2 * i + 1] = lab[3 * i + 2];
  }
  return out;
}

Image join_lab(const Tensor& lightness, const Tensor& ab) {
  const Shape s = lightness.shape();
  std::vector<float> pixels(3 * s.pixels());
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    pixels[3 * i] = lightness.f32()[i];
    pixels[3 * i + 1] = ab.f32()[2 * i];
    pixels[3 * i + 2] = ab.f32()[2 * i + 1];
  }
  cpu::lab_to_srgb(s.pixels(), pixels.data(), pixels.data());
  Image image = make_image(s.h, s.w, 3);
  cpu::quantise(pixels.size(), pixels.data(), image.pixels.data());
  return image;
}

}  // namespace tinct
