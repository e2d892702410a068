// Softmax cross-entropy on the CPU, a pixel at a time: its logits are read from memory once, its
// gradient is written once, and the passes between run over a row of bins in the first cache.
// Bytes: the logits, the gradient, the target.
#include "kernels/softmax_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax_cross_entropy.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "kernels/exp-inl.h"
#include "kernels/vectors-inl.h"

#ifndef TINCT_SOFTMAX_ARRAYS
#define TINCT_SOFTMAX_ARRAYS
namespace tinct {

// The arguments of the contract, and the factor that makes the gradient of a sum that of a mean.
struct SoftmaxArrays {
  const float* logits;
  const float* index;  // null: dense
  const float* target;
  const float* class_weight;
  float* gradient;
  float scale;
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// One pixel's rows of the arrays.
struct SoftmaxPixel {
  const float* logits;
  const float* index;  // null: dense
  const float* target;
  const float* class_weight;  // of each bin, or null
  float weight;               // of the pixel
  float* gradient;            // or null
};

// Sums f(i) over vectors that cover [0, count), count at least one vector. The last may overlap the
// one before it; its lanes that were counted are dropped.
template <class D, class F>
HWY_INLINE float sum_vectors(D d, std::size_t count, const F& f) {
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, f(i));
  if (i < count) {
    const auto counted = hn::FirstN(d, lanes - (count - i));
    sum = hn::Add(sum, hn::IfThenZeroElse(counted, f(count - lanes)));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// The sum of the target's weights a = (class weight) z, and that of a (logit - largest).
struct TargetSums {
  double total = 0, dot = 0;
};

template <class D>
HWY_INLINE auto dense_target(D d, const SoftmaxPixel& p, std::size_t i) {
  const auto z = hn::Mul(hn::LoadU(d, p.target + i), hn::Set(d, p.weight));
  return p.class_weight ? hn::Mul(z, hn::LoadU(d, p.class_weight + i)) : z;
}

template <class D>
HWY_INLINE TargetSums sum_dense(D d, std::size_t bins, const SoftmaxPixel& p, float largest) {
  const auto top = hn::Set(d, largest);
  TargetSums sums;
  sums.total = sum_vectors(d, bins, [&](std::size_t i) { return dense_target(d, p, i); });
  sums.dot = sum_vectors(d, bins, [&](std::size_t i) {
    return hn::Mul(dense_target(d, p, i), hn::Sub(hn::LoadU(d, p.logits + i), top));
  });
  return sums;
}

HWY_INLINE float sparse_target(const SoftmaxPixel& p, std::size_t k) {
  const float z = p.target[k] * p.weight;
  return p.class_weight ? z * p.class_weight[static_cast<std::size_t>(p.index[k])] : z;
}

HWY_INLINE TargetSums sum_sparse(std::size_t neighbours, const SoftmaxPixel& p, float largest) {
  TargetSums sums;
  for (std::size_t k = 0; k < neighbours; ++k) {
    const double a = sparse_target(p, k);
    sums.total += a;
    sums.dot += a * (double{p.logits[static_cast<std::size_t>(p.index[k])]} - largest);
  }
  return sums;
}

// gradient holds e^(logit - largest) and gets factor times that, less scale times the target.
template <class D>
HWY_INLINE void finish_gradient(D d, const SoftmaxShape& s, const SoftmaxPixel& p, float factor,
                                float scale) {
  const auto by = hn::Set(d, factor);
  const auto less = hn::Set(d, scale);
  const auto value = [&](std::size_t i) {
    const auto e = hn::Mul(hn::LoadU(d, p.gradient + i), by);
    return p.index ? e : hn::NegMulAdd(dense_target(d, p, i), less, e);
  };
  const std::size_t lanes = hn::Lanes(d);
  const auto last = value(s.bins - lanes);  // before what it overlaps is written over
  for (std::size_t i = 0; i + lanes <= s.bins; i += lanes) hn::StoreU(value(i), d, p.gradient + i);
  hn::StoreU(last, d, p.gradient + s.bins - lanes);
  for (std::size_t k = 0; p.index && k < s.neighbours; ++k) {
    p.gradient[static_cast<std::size_t>(p.index[k])] -= scale * sparse_target(p, k);
  }
}

// The loss of one pixel; its gradient is multiplied by `scale`. D has at most `bins` lanes.
template <class D>
HWY_INLINE double one_pixel(D d, const SoftmaxShape& s, const SoftmaxPixel& p, float scale) {
  auto most = hn::LoadU(d, p.logits);
  for_vectors(d, s.bins, [&](std::size_t i) { most = hn::Max(most, hn::LoadU(d, p.logits + i)); });
  const auto top = hn::MaxOfLanes(d, most);
  const float largest = hn::GetLane(top);
  const double exp_sum = sum_vectors(d, s.bins, [&](std::size_t i) {
    const auto e = exp(d, hn::Sub(hn::LoadU(d, p.logits + i), top));
    if (p.gradient) hn::StoreU(e, d, p.gradient + i);
    return e;
  });
  const TargetSums sums =
      p.index ? sum_sparse(s.neighbours, p, largest) : sum_dense(d, s.bins, p, largest);
  if (p.gradient) {
    finish_gradient(d, s, p, static_cast<float>(sums.total * scale / exp_sum), scale);
  }
  return sums.total * std::log(exp_sum) - sums.dot;
}

SoftmaxPixel pixel_of(const SoftmaxShape& s, const SoftmaxArrays& arrays, std::size_t i) {
  const std::size_t entries = s.neighbours ? s.neighbours : s.bins;
  SoftmaxPixel p{arrays.logits + i * s.bins,
                 arrays.index ? arrays.index + i * entries : nullptr,
                 arrays.target + i * entries,
                 arrays.class_weight,
                 1,
                 arrays.gradient ? arrays.gradient + i * s.bins : nullptr};
  if (p.class_weight && s.weighting == ClassWeighting::top_bin) {
    const std::ptrdiff_t top = std::max_element(p.target, p.target + entries) - p.target;
    p.weight = p.class_weight[p.index ? static_cast<std::ptrdiff_t>(p.index[top]) : top];
    p.class_weight = nullptr;
  }
  return p;
}

// The summed loss of pixels [begin, end).
double loss_of_pixels(const SoftmaxShape& s, const SoftmaxArrays& arrays, std::size_t begin,
                      std::size_t end) {
  double losses = 0;
  const auto sum = [&](auto d) {
    for (std::size_t i = begin; i < end; ++i) {
      losses += one_pixel(d, s, pixel_of(s, arrays, i), arrays.scale);
    }
  };
  for_channels(s.bins, sum, [&](auto) { sum(hn::CappedTag<float, 1>()); });
  return losses;
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(loss_of_pixels);

constexpr std::size_t kChunk = 64;  // pixels

}  // namespace

double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient) {
  const double scale = 1.0 / static_cast<double>(s.pixels);
  const SoftmaxArrays arrays{logits,   s.neighbours ? index : nullptr, target, class_weight,
                             gradient, static_cast<float>(scale)};
  const double sum = parallel_sum(s.pixels, kChunk, [&](std::size_t begin, std::size_t end) {
    return HWY_DYNAMIC_DISPATCH(loss_of_pixels)(s, arrays, begin, end);
  });
  return sum * scale;
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
