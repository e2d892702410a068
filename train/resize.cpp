// Resizing in two passes, columns first, each a short weighted sum.
#include "train/resize.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "core/memory.h"
#include "core/threads.h"

namespace tinct {
namespace {

/// The weighted sum that makes each output position of one axis.
struct Taps1d {
  struct Span {
    std::size_t begin, count, offset;  ///< inputs [begin, begin + count), weights from offset
  };
  std::vector<Span> spans;
  std::vector<float> weights;
};

Taps1d triangle(std::size_t in, std::size_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = std::max(scale, 1.0);
  Taps1d taps;
  taps.spans.resize(out);
  std::vector<double> row;
  for (std::size_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + .5) * scale;
    const auto begin = static_cast<std::size_t>(std::max(0.0, std::floor(centre - support)));
    const auto end = std::min(in, static_cast<std::size_t>(std::ceil(centre + support)));
    row.clear();
    double sum = 0;
    for (std::size_t k = begin; k < end; ++k) {
      const double distance = std::abs(static_cast<double>(k) + .5 - centre) / support;
      row.push_back(std::max(0.0, 1 - distance));
      sum += row.back();
    }
    taps.spans[i] = {begin, end - begin, taps.weights.size()};
    for (const double weight : row) taps.weights.push_back(static_cast<float>(weight / sum));
  }
  return taps;
}

/// in (rows,w,c) to out (rows,ow,c).
template <std::size_t C, class In>
void shrink_columns(const Taps1d& taps, std::size_t rows, std::size_t w, std::size_t channels,
                    const In* in, float* out) {
  const std::size_t c = C != 0 ? C : channels, ow = taps.spans.size();
  parallel_for(rows, [&](std::size_t first, std::size_t last) {
    for (std::size_t y = first; y < last; ++y) {
      for (std::size_t x = 0; x < ow; ++x) {
        const auto& span = taps.spans[x];
        const float* weights = taps.weights.data() + span.offset;
        const In* from = in + (y * w + span.begin) * c;
        float* to = out + (y * ow + x) * c;
        for (std::size_t k = 0; k < c; ++k) {
          float sum = 0;
          for (std::size_t i = 0; i < span.count; ++i) {
            sum += weights[i] * static_cast<float>(from[i * c + k]);
          }
          to[k] = sum;
        }
      }
    }
  });
}

template <class Out>
Out store(float value) {
  if constexpr (std::is_floating_point_v<Out>) {
    return value;
  } else {
    // A convex sum of levels is in range up to rounding.
    return static_cast<Out>(std::max(value + .5f, 0.0f));
  }
}

/// in (h,stride) to out (oh,stride).
template <class Out>
void shrink_rows(const Taps1d& taps, std::size_t stride, const float* in, Out* out) {
  parallel_for(taps.spans.size(), [&](std::size_t first, std::size_t last) {
    std::vector<float> sum(stride);
    for (std::size_t y = first; y < last; ++y) {
      const auto& span = taps.spans[y];
      std::fill(sum.begin(), sum.end(), 0.0f);
      for (std::size_t i = 0; i < span.count; ++i) {
        const float weight = taps.weights[span.offset + i];
        const float* from = in + (span.begin + i) * stride;
        for (std::size_t k = 0; k < stride; ++k) sum[k] += weight * from[k];
      }
      for (std::size_t k = 0; k < stride; ++k) out[y * stride + k] = store<Out>(sum[k]);
    }
  });
}

template <class Level>
void resample(const Level* in, std::size_t h, std::size_t w, std::size_t c, Level* out,
              std::size_t oh, std::size_t ow) {
  const Taps1d columns = triangle(w, ow), rows = triangle(h, oh);
  Workspace<float> narrow(h * ow * c);
  const auto shrink = c == 1   ? shrink_columns<1, Level>
                      : c == 3 ? shrink_columns<3, Level>
                               : shrink_columns<0, Level>;
  shrink(columns, h, w, c, in, narrow.data());
  shrink_rows(rows, ow * c, narrow.data(), out);
}

void check(const char* operation, std::size_t in, std::size_t height, std::size_t width) {
  if (in == 0 || height == 0 || width == 0) {
    throw std::invalid_argument(std::string(operation) + ": to " + std::to_string(height) + " x " +
                                std::to_string(width) + ": an extent is zero");
  }
}

}  // namespace

Tensor resize(const Tensor& x, std::size_t height, std::size_t width) {
  check("resize", x.size(), height, width);
  const Shape& s = x.shape();
  Tensor y({s.n, height, width, s.c});
  for (std::size_t n = 0; n < s.n; ++n) {
    resample(x.f32() + n * s.h * s.w * s.c, s.h, s.w, s.c, y.f32() + n * height * width * s.c,
             height, width);
  }
  return y;
}

Image resize(const Image& image, std::size_t height, std::size_t width) {
  check("resize", image.area(), height, width);
  Image out = make_image(height, width, image.channels, image.bits);
  out.exif = image.exif, out.format = image.format, out.notes = image.notes;
  if (image.bits == 16) {
    resample(image.pixels16.data(), image.height, image.width, image.channels, out.pixels16.data(),
             height, width);
  } else {
    resample(image.pixels.data(), image.height, image.width, image.channels, out.pixels.data(),
             height, width);
  }
  if (!image.alpha.empty()) {
    out.alpha.resize(out.area());
    resample(image.alpha.data(), image.height, image.width, 1, out.alpha.data(), height, width);
  }
  return out;
}

}  // namespace tinct
