// Lightness out, chroma in: the pipeline around a colorizing network.
#include "train/colorize.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/colour.h"
#include "kernels/gamut.h"
#include "train/guided_filter.h"
#include "train/resize.h"
#include "train/saturation.h"

namespace tinct {
namespace {

constexpr double most_working_aspect = 4;

/// Throws unless ab is a prediction of shape (1,h,w,2) that has some colour.
void check_prediction(const Tensor& ab, const Shape& lightness) {
  const Shape expected{1, lightness.h, lightness.w, 2};
  if (!ab.defined() || ab.shape() != expected) {
    throw std::invalid_argument("colorize: predicted chroma is " +
                                (ab.defined() ? to_string(ab.shape()) : std::string("empty")) +
                                ", expected " + to_string(expected));
  }
  bool coloured = false;
  for (std::size_t i = 0; i < ab.size(); ++i) {
    const float value = ab.f32()[i];
    if (!std::isfinite(value))
      throw NumericError("the model predicted a chroma that is not finite");
    coloured = coloured || value != 0;
  }
  if (!coloured)
    throw NumericError("the model predicted no colour at all: its weights are no good");
}

/// Gives the chroma (h,w,2) of a row of the full-size picture.
class ChromaRows {
 public:
  ChromaRows(const Tensor& guide, const Tensor& ab, std::size_t height, std::size_t width)
      : height_(height), width_(width) {
    const Shape& s = ab.shape();
    if (s.h < height || s.w < width) {
      lines_ = fit_lines(guide, ab);
    } else {
      whole_ = resize(ab, height, width);  // nothing to sharpen
    }
  }
  void row(std::size_t y, const float* lightness, float* ab) const {
    if (lines_.defined()) {
      apply_lines(lines_, height_, width_, y, lightness, ab);
    } else {
      std::copy_n(whole_.f32() + y * width_ * 2, width_ * 2, ab);
    }
  }

 private:
  std::size_t height_, width_;
  Tensor lines_, whole_;
};

/// Colours every row: chroma, saturation, gamut, sRGB and rounding, one row at a time so that no
/// full-size picture of floats is held beside the lightness.
template <class Level>
void paint(const Tensor& lightness, const ChromaRows& chroma, float saturation, Level* pixels) {
  const std::size_t width = lightness.shape().w;
  parallel_for(lightness.shape().h, [&](std::size_t first, std::size_t last) {
    std::vector<float> ab(2 * width), lab(3 * width);
    for (std::size_t y = first; y < last; ++y) {
      const float* l = lightness.f32() + y * width;
      chroma.row(y, l, ab.data());
      for (std::size_t x = 0; x < width; ++x) {
        lab[3 * x] = l[x];
        lab[3 * x + 1] = saturation * ab[2 * x];
        lab[3 * x + 2] = saturation * ab[2 * x + 1];
      }
      cpu::fit_to_gamut(width, lab.data());
      cpu::lab_to_srgb(width, lab.data(), lab.data());
      cpu::quantise(3 * width, lab.data(), pixels + y * width * 3);
    }
  });
}

std::size_t rounded(double side, std::size_t multiple) {
  const double steps = std::round(side / static_cast<double>(multiple));
  return static_cast<std::size_t>(std::max(1.0, steps)) * multiple;
}

}  // namespace

Tensor lightness_of(const Image& image) {
  Tensor l({1, image.height, image.width, 1});
  if (image.bits == 16) {
    cpu::lightness(image.area(), image.channels, image.pixels16.data(), l.f32());
  } else {
    cpu::lightness(image.area(), image.channels, image.pixels.data(), l.f32());
  }
  return l;
}

Shape working_shape(std::size_t height, std::size_t width, const ColorizeOptions& options) {
  if (height == 0 || width == 0 || options.size == 0 || options.multiple == 0) {
    throw std::invalid_argument("working_shape: a side, the size or the multiple is zero");
  }
  const double shorter = static_cast<double>(std::min(height, width));
  const double aspect = static_cast<double>(std::max(height, width)) / shorter;
  const double longer = static_cast<double>(options.size) * std::min(aspect, most_working_aspect);
  const std::size_t a = rounded(static_cast<double>(options.size), options.multiple);
  const std::size_t b = rounded(longer, options.multiple);
  return height <= width ? Shape{1, a, b, 1} : Shape{1, b, a, 1};
}

Image colorize(const Image& image, const PredictChroma& predict, const ColorizeOptions& options) {
  if (!(options.saturation >= 0 && options.saturation <= 100)) {
    throw std::invalid_argument("colorize: saturation must be 0..100");
  }
  const Tensor lightness = lightness_of(image);
  const Shape working = working_shape(image.height, image.width, options);
  const Tensor small = resize(lightness, working.h, working.w);
  const Tensor ab = predict(small);
  check_prediction(ab, working);

  Image out = make_image(image.height, image.width, 3, image.bits);
  out.alpha = image.alpha, out.exif = image.exif;
  out.format = image.format, out.notes = image.notes;
  const float saturation = options.colourfulness ? saturation_for(small, ab, *options.colourfulness)
                                                 : options.saturation;
  const ChromaRows chroma(small, ab, image.height, image.width);
  if (out.bits == 16) {
    paint(lightness, chroma, saturation, out.pixels16.data());
  } else {
    paint(lightness, chroma, saturation, out.pixels.data());
  }
  return out;
}

Image side_by_side(const Image& left, const Image& right) {
  if (left.height != right.height || left.bits != right.bits) {
    throw std::invalid_argument("side_by_side: heights " + std::to_string(left.height) + " and " +
                                std::to_string(right.height) + ", bits " +
                                std::to_string(left.bits) + " and " + std::to_string(right.bits));
  }
  Image out = make_image(left.height, left.width + right.width, 3, left.bits);
  const bool alpha = !left.alpha.empty() || !right.alpha.empty();
  if (alpha) out.alpha.assign(out.area(), left.bits == 16 ? 65535 : 255);
  const auto copy = [&out](const Image& from, const auto& source, auto& target, std::size_t x0) {
    for (std::size_t i = 0; i < from.area(); ++i) {
      const std::size_t to = i / from.width * out.width + x0 + i % from.width;
      for (std::size_t c = 0; c < 3; ++c) {
        target[3 * to + c] = source[from.channels == 3 ? 3 * i + c : i];
      }
      if (!from.alpha.empty()) out.alpha[to] = from.alpha[i];
    }
  };
  for (const Image* half : {&left, &right}) {
    const std::size_t x0 = half == &left ? 0 : left.width;
    if (out.bits == 16) {
      copy(*half, half->pixels16, out.pixels16, x0);
    } else {
      copy(*half, half->pixels, out.pixels, x0);
    }
  }
  return out;
}

}  // namespace tinct
