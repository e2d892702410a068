// Pictures as planes of CIELAB, and back.
#include "train/lab_planes.h"

#include <vector>

#include "kernels/colour.h"
#include "kernels/columns.h"
#include "kernels/twins.h"

namespace tinct {

LabPlanes lab_planes(const Tensor& rgb) {
  const Shape s = rgb.shape();
  const Device device = rgb.device();
  Tensor lab(s, device);
  TINCT_ON(device, srgb_to_lab, s.pixels(), rgb.u8(), lab.f32());
  LabPlanes out{Tensor({s.n, s.h, s.w, 1}, device), Tensor({s.n, s.h, s.w, 2}, device)};
  const Columns first{s.pixels(), 1, 3, 0, 1, 0}, others{s.pixels(), 2, 3, 1, 2, 0};
  TINCT_ON(device, copy_columns, first, lab.f32(), out.lightness.f32());
  TINCT_ON(device, copy_columns, others, lab.f32(), out.ab.f32());
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
