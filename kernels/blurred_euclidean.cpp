// Blurred Euclidean loss on the CPU: bands of rows whose differences, blurs and gradients stay in
// cache. The rows that two bands need are computed by both.
#include "kernels/blurred_euclidean.h"

#include <algorithm>
#include <cmath>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/blur_row.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/blurred_euclidean.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// Sums f(i) in double over i < count, eight partial sums side by side so that they vectorise.
template <class F>
HWY_INLINE double sum_lanes(std::size_t count, const F& f) {
  constexpr std::size_t kLanes = 8;
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += f(i + j);
  }
  double sum = 0;
  for (; i < count; ++i) sum += f(i);
  for (const double lane : lanes) sum += lane;
  return sum;
}

double sum_of_squares(std::size_t count, const float* v) {
  return sum_lanes(count, [=](std::size_t i) { return double{v[i]} * v[i]; });
}

double sum_of_sizes(std::size_t count, const float* v) {
  return sum_lanes(count, [=](std::size_t i) { return double{std::abs(v[i])}; });
}

void subtract(std::size_t count, const float* a, const float* b, float* HWY_RESTRICT difference) {
  for (std::size_t i = 0; i < count; ++i) difference[i] = a[i] - b[i];
}

void signs(std::size_t count, float* v) {
  for (std::size_t i = 0; i < count; ++i) {
    v[i] = static_cast<float>(v[i] > 0) - static_cast<float>(v[i] < 0);
  }
}

void add_to(std::size_t count, const float* HWY_RESTRICT b, float* HWY_RESTRICT a) {
  for (std::size_t i = 0; i < count; ++i) a[i] += b[i];
}

void multiply(std::size_t count, float factor, float* a) {
  for (std::size_t i = 0; i < count; ++i) a[i] *= factor;
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(sum_of_squares);
HWY_EXPORT(sum_of_sizes);
HWY_EXPORT(subtract);
HWY_EXPORT(signs);
HWY_EXPORT(add_to);
HWY_EXPORT(multiply);

constexpr std::size_t kBandRows = 32;

// Rows [begin, end) of one picture, in a block of their own.
struct Rows {
  std::size_t begin, end, width;
  Workspace<float> values;

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
      HWY_DYNAMIC_DISPATCH(subtract)
      (width_, prediction + y * width_, target + y * width_, difference.at(y));
    }
    const std::size_t own = (end_ - begin_) * width_;
    double sum = penalties(own, difference.at(begin_));
    if (gradient) {
      std::copy_n(difference.at(begin_), own, gradient);
      to_slopes(own, gradient);
    }
    Rows blurred = widened(radius_);
    Workspace<float> back(width_);
    for (const std::vector<float>& taps : loss_.taps) {
      RowBlur blur(loss_.shape.w, loss_.shape.c, taps, loss_.border);
      for (std::size_t y = blurred.begin; y < blurred.end; ++y) {
        blur_row(blur, difference, y, blurred.at(y));
      }
      sum += penalties(own, blurred.at(begin_));
      if (!gradient) continue;
      to_slopes((blurred.end - blurred.begin) * width_, blurred.at(blurred.begin));
      for (std::size_t y = begin_; y < end_; ++y) {
        blur_row(blur, blurred, y, back.data());
        HWY_DYNAMIC_DISPATCH(add_to)(width_, back.data(), gradient + (y - begin_) * width_);
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

  double penalties(std::size_t count, const float* v) const {
    return loss_.squared ? HWY_DYNAMIC_DISPATCH(sum_of_squares)(count, v)
                         : HWY_DYNAMIC_DISPATCH(sum_of_sizes)(count, v);
  }

  // The slope of v^2 is 2 v, but the 2 joins the scale: then there is nothing to do.
  void to_slopes(std::size_t count, float* v) const {
    if (!loss_.squared) HWY_DYNAMIC_DISPATCH(signs)(count, v);
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
           if (g) HWY_DYNAMIC_DISPATCH(multiply)((end - begin) * width, slope_scale, g);
           return sum;
         });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
