// Pictures as planes of CIELAB, and back.
#pragma once

#include "core/tensor.h"
#include "train/image.h"

namespace tinct {

/// Lightness (n,h,w,1), 0..100, and ab (n,h,w,2) in Lab units.
struct LabPlanes {
  Tensor lightness;
  Tensor ab;
};

/// Of sRGB pictures u8 (n,h,w,3).
LabPlanes lab_planes(const Tensor& rgb);

/// The 8-bit picture of lightness (1,h,w,1) and ab (1,h,w,2); colours outside sRGB are clipped.
Image join_lab(const Tensor& lightness, const Tensor& ab);

}  // namespace tinct
