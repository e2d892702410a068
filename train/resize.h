// Resizing: a triangle filter that is widened when shrinking, so that nothing aliases, and is plain
// bilinear when enlarging. Half-pixel centres; weights normalised at the borders.
#pragma once

#include <cstddef>

#include "core/tensor.h"
#include "train/image.h"

namespace tinct {

/// x (n,h,w,c) f32 to (n,height,width,c). Throws std::invalid_argument when an extent is zero.
Tensor resize(const Tensor& x, std::size_t height, std::size_t width);

/// Pixels and alpha, at the image's depth; everything else is carried.
Image resize(const Image& image, std::size_t height, std::size_t width);

}  // namespace tinct
