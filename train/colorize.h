// A photograph in, a colour photograph out: the lightness stays, the chroma is predicted.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "core/tensor.h"
#include "train/image.h"

namespace tinct {

/// Lightness (1,h,w,1), 0..100, to chroma (1,h,w,2): the a and b of CIELAB.
using PredictChroma = std::function<Tensor(const Tensor& lightness)>;

struct ColorizeOptions {
  std::size_t size = 256;    ///< shorter side of what the network sees
  std::size_t multiple = 1;  ///< both sides of it are multiples of this
  float saturation = 1;      ///< the chroma is multiplied by this, then fitted into gamut
  /// Instead: by what makes the picture this colourful (train/saturation.h).
  std::optional<double> colourfulness = std::nullopt;
};

/// The lightness of each pixel, (1,h,w,1), 0..100.
Tensor lightness_of(const Image& image);

/// The extents (1,h,w,1) at which `predict` is asked for a picture of height x width: the shorter
/// side at options.size, the longer in proportion but at most four times that.
Shape working_shape(std::size_t height, std::size_t width, const ColorizeOptions& options);

/// A colour picture of the same size and depth whose lightness is that of `image` as far as
/// rounding allows; alpha and EXIF are carried. The chroma is predicted at the working shape,
/// enlarged along the edges of the lightness (guided filter) and fitted into gamut at constant
/// lightness. Throws NumericError when the prediction is not finite or is zero everywhere: a grey
/// picture is never passed off as a result. Throws std::invalid_argument for a prediction of
/// another shape.
Image colorize(const Image& image, const PredictChroma& predict,
               const ColorizeOptions& options = {});

/// Two pictures of one height, left and right (for --compare). Throws std::invalid_argument when
/// height or depth differ.
Image side_by_side(const Image& left, const Image& right);

}  // namespace tinct
