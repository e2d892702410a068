// Blurred Euclidean loss on the CPU: bands of rows whose differences, blurs and gradients stay in
// cache. The rows that two bands need are computed by both.
#include "kernels/blurred_euclidean.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"
#include "kernels/blur_row.h"

namespace tinct::cpu {
namespace {

constexpr std::size_t kBandRows = 32;

// Rows [begin, end) of one picture of `height` rows, kept in a buffer of their own.
struct Rows {
  std::size_t begin, end, width;
  std::vector<float> values;

  Rows(std::size_t first, std::size_t last, std::size_t row_width)
      : begin(first), end(last), width(row_width), values((last - first) * row_width) {}
  float* at(std::size_t y) { return values.data() + (y - begin) * width; }
};

class Band {
 public:
  Band(const BlurredEuclidean& loss, std::size_t begin, std::size_t end)
      : loss_(loss), begin_(begin), end_(end), width_(loss.shape.w * loss.shape.c) {
    for (const auto& taps : loss.taps) radius_ = std::max(radius_, taps.size() / 2);
  }

  // The sum of the penalties of the band's own rows; their slopes are added up in `gradient`, the
  // first row of the band's own, unless null.
  double operator()(const float* prediction, const float* target, float* gradient) {
    Rows difference = widened(2 * radius_);
    for (std::size_t y = difference.begin; y < difference.end; ++y) {
      float* d = difference.at(y);
      const float* p = prediction + y * width_;
      const float* t = target + y * width_;
      for (std::size_t i = 0; i < width_; ++i) d[i] = p[i] - t[i];
    }
    Rows slope = difference;
    double sum = penalise(slope);
    if (gradient) std::copy_n(slope.at(begin_), (end_ - begin_) * width_, gradient);
    for (const std::vector<float>& taps : loss_.taps) {
      RowBlur blur(loss_.shape.w, loss_.shape.c, taps, loss_.border);
      Rows blurred = widened(radius_);
      for (std::size_t y = blurred.begin; y < blurred.end; ++y) {
        blur_row(blur, difference, y, blurred.at(y));
      }
      sum += penalise(blurred);
      if (!gradient) continue;
      std::vector<float> back(width_);
      for (std::size_t y = begin_; y < end_; ++y) {
        blur_row(blur, blurred, y, back.data());
        float* g = gradient + (y - begin_) * width_;
        for (std::size_t i = 0; i < width_; ++i) g[i] += back[i];
      }
    }
    return sum;
  }

 private:
  Rows widened(std::size_t margin) const {
    return Rows(begin_ - std::min(begin_, margin), std::min(loss_.shape.h, end_ + margin), width_);
  }

  void blur_row(RowBlur& blur, Rows& from, std::size_t y, float* to) {
    const std::ptrdiff_t radius = static_cast<std::ptrdiff_t>(blur.radius());
    const std::ptrdiff_t height = static_cast<std::ptrdiff_t>(loss_.shape.h);
    rows_.clear();
    for (std::ptrdiff_t k = -radius; k <= radius; ++k) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(y) + k;
      const bool outside = at < 0 || at >= height;
      rows_.push_back(outside && loss_.border == Border::zero
                          ? nullptr
                          : from.at(symmetric_index(at, loss_.shape.h)));
    }
    blur(rows_.data(), to);
  }

  // Turns values into half slopes (l2) or signs (l1); returns the penalties of the band's own rows.
  double penalise(Rows& rows) const {
    double sum = 0;
    for (std::size_t y = rows.begin; y < rows.end; ++y) {
      float* v = rows.at(y);
      if (y >= begin_ && y < end_) {
        for (std::size_t i = 0; i < width_; ++i) {
          sum += loss_.squared ? double{v[i]} * v[i] : std::abs(double{v[i]});
        }
      }
      if (loss_.squared) continue;  // the slope is 2 v; the 2 joins the scale
      for (std::size_t i = 0; i < width_; ++i) {
        v[i] = static_cast<float>(v[i] > 0) - static_cast<float>(v[i] < 0);
      }
    }
    return sum;
  }

  const BlurredEuclidean& loss_;
  std::size_t begin_, end_, width_;
  std::size_t radius_ = 0;
  std::vector<const float*> rows_;
};

}  // namespace

double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient) {
  const Shape& s = loss.shape;
  const std::size_t width = s.w * s.c;
  const std::size_t bands = (s.h + kBandRows - 1) / kBandRows;
  const double scale = 1.0 / static_cast<double>(s.size() * (loss.taps.size() + 1));
  const float slope_scale = static_cast<float>(loss.squared ? 2 * scale : scale);
  return scale * parallel_sum(s.n * bands, 1, [&](std::size_t i, std::size_t) {
           const std::size_t begin = i % bands * kBandRows;
           const std::size_t end = std::min(s.h, begin + kBandRows);
           const std::size_t image = i / bands * s.h * width;
           float* g = gradient ? gradient + image + begin * width : nullptr;
           const double sum = Band(loss, begin, end)(prediction + image, target + image, g);
           if (g) {
             for (std::size_t j = 0; j < (end - begin) * width; ++j) g[j] *= slope_scale;
           }
           return sum;
         });
}

}  // namespace tinct::cpu
