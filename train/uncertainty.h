// What a network that predicts distributions does not know, as a map; and colour that fades there.
#pragma once

#include <cstddef>

#include "core/tensor.h"
#include "train/image.h"

namespace tinct {

/// Normalised entropy of the distributions softmax(logits): (n,h,w,q), q >= 2, to (n,h,w,1). 0 is
/// one colour for certain, 1 all of them alike: -sum p log p / log q. Throws std::invalid_argument
/// for fewer than two bins.
Tensor normalised_entropy(const Tensor& logits);

/// Up to this uncertainty a colour stays as it is. Of a vgg-unet-bins on 66 photographs to validate
/// on, what it says beyond is worse than grey; fading from lower costs more colour than error.
inline constexpr float kSure = 0.94f;

/// The share of its chroma that a colour of that uncertainty keeps: falls smoothly (a cubic with
/// level ends) from 1 at kSure to 0 at 1. NaN stays NaN.
float fade(float uncertainty);

/// ab (n,h,w,2), each pixel multiplied by fade() of its uncertainty (n,h,w,1). Throws
/// std::invalid_argument when the shapes do not fit.
Tensor faded(const Tensor& ab, const Tensor& uncertainty);

/// One picture's uncertainty (1,h,w,1) as a grey picture of 8 bits and that size: 0 (black) is 0,
/// 255 (white) is 1.
Image uncertainty_map(const Tensor& uncertainty, std::size_t height, std::size_t width);

}  // namespace tinct
