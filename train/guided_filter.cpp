// The guided filter: local linear models of the chroma in the lightness, fitted small, applied
// large.
#include "train/guided_filter.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/threads.h"

namespace tinct {
namespace {

/// Means over windows of 2 radius + 1 along one axis, cut at the borders: `lines` lines of `count`
/// elements, `step` apart, element k of line i at (i / step) * count * step + i % step + k * step.
void box_mean(const float* in, float* out, std::size_t lines, std::size_t count, std::size_t step,
              std::size_t radius) {
  parallel_for(lines, [=](std::size_t first, std::size_t last) {
    std::vector<double> sums(count + 1);
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t start = i / step * count * step + i % step;
      for (std::size_t k = 0; k < count; ++k) sums[k + 1] = sums[k] + in[start + k * step];
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t begin = k > radius ? k - radius : 0;
        const std::size_t end = std::min(count, k + radius + 1);
        out[start + k * step] =
            static_cast<float>((sums[end] - sums[begin]) / static_cast<double>(end - begin));
      }
    }
  });
}

Tensor box_mean(const Tensor& x, std::size_t radius) {
  const Shape& s = x.shape();
  Tensor rows(s), y(s);
  box_mean(x.f32(), rows.f32(), s.h * s.c, s.w, s.c, radius);
  box_mean(rows.f32(), y.f32(), s.w * s.c, s.h, s.w * s.c, radius);
  return y;
}

/// guide, guide^2, then values and guide * values of each channel: all that the fit averages.
Tensor moments(const Tensor& guide, const Tensor& values) {
  const Shape& s = values.shape();
  Tensor m({1, s.h, s.w, 2 + 2 * s.c});
  const float *g = guide.f32(), *v = values.f32();
  float* out = m.f32();
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    *out++ = g[i];
    *out++ = g[i] * g[i];
    for (std::size_t c = 0; c < s.c; ++c) {
      *out++ = v[i * s.c + c];
      *out++ = g[i] * v[i * s.c + c];
    }
  }
  return m;
}

/// Where an output position of an axis lies between two inputs: half-pixel centres.
struct Between {
  std::size_t low, high;
  float share;  ///< of high
};

Between between(std::size_t position, std::size_t out, std::size_t in) {
  const double at =
      (static_cast<double>(position) + .5) * static_cast<double>(in) / static_cast<double>(out) -
      .5;
  const double inside = std::clamp(at, 0.0, static_cast<double>(in - 1));
  const auto low = static_cast<std::size_t>(inside);
  return {low, std::min(low + 1, in - 1), static_cast<float>(inside - static_cast<double>(low))};
}

}  // namespace

Tensor fit_lines(const Tensor& guide, const Tensor& values, const GuidedFilterOptions& options) {
  const Shape &g = guide.shape(), &s = values.shape();
  if (g.n != 1 || g.c != 1 || s.n != 1 || g.h != s.h || g.w != s.w || guide.size() == 0) {
    throw std::invalid_argument("fit_lines: guide " + to_string(g) + " and values " + to_string(s));
  }
  const Tensor means = box_mean(moments(guide, values), options.radius);
  Tensor slopes(s);
  const float* m = means.f32();
  for (std::size_t i = 0; i < s.pixels(); ++i, m += 2 + 2 * s.c) {
    // In double: the mean of the square less the square of the mean cancels.
    const double mean = m[0], variance = std::max(0.0, m[1] - mean * mean);
    for (std::size_t c = 0; c < s.c; ++c) {
      const double covariance = m[3 + 2 * c] - mean * m[2 + 2 * c];
      slopes.f32()[i * s.c + c] = static_cast<float>(covariance / (variance + options.epsilon));
    }
  }
  slopes = box_mean(slopes, options.radius);
  Tensor lines({1, s.h, s.w, 2 * s.c});
  float* out = lines.f32();
  for (std::size_t i = 0; i < s.pixels(); ++i, out += 2 * s.c) {
    for (std::size_t c = 0; c < s.c; ++c) {
      const float slope = slopes.f32()[i * s.c + c];
      out[c] = slope;
      out[s.c + c] = values.f32()[i * s.c + c] - slope * guide.f32()[i];
    }
  }
  return lines;
}

void apply_lines(const Tensor& lines, std::size_t height, std::size_t width, std::size_t row,
                 const float* guide, float* out) {
  const Shape& s = lines.shape();
  const std::size_t n = s.c, c = s.c / 2;
  const Between y = between(row, height, s.h);
  const float *above = lines.f32() + y.low * s.w * n, *below = lines.f32() + y.high * s.w * n;
  std::vector<float> blend(s.w * n);
  for (std::size_t i = 0; i < blend.size(); ++i) {
    blend[i] = above[i] + y.share * (below[i] - above[i]);
  }
  for (std::size_t x = 0; x < width; ++x) {
    const Between at = between(x, width, s.w);
    const float *left = blend.data() + at.low * n, *right = blend.data() + at.high * n;
    for (std::size_t k = 0; k < c; ++k) {
      const float slope = left[k] + at.share * (right[k] - left[k]);
      const float offset = left[c + k] + at.share * (right[c + k] - left[c + k]);
      out[x * c + k] = slope * guide[x] + offset;
    }
  }
}

}  // namespace tinct
