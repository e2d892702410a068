// Element-by-element losses on the CPU: one pass, sums in double over fixed chunks.
// Bytes: the prediction and the target are read, the gradient is written.
#include "kernels/pixel_loss.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pixel_loss.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Each turns (prediction, target) into (value, slope).

struct L1 {
  template <class D, class V>
  HWY_INLINE void operator()(D d, V p, V t, V& value, V& slope) const {
    const auto u = hn::Sub(p, t);
    const auto zero = hn::Zero(d);
    const auto one = hn::Set(d, 1.0f);
    value = hn::Abs(u);
    slope =
        hn::Sub(hn::IfThenElseZero(hn::Gt(u, zero), one), hn::IfThenElseZero(hn::Lt(u, zero), one));
  }
};

struct L2 {
  template <class D, class V>
  HWY_INLINE void operator()(D, V p, V t, V& value, V& slope) const {
    const auto u = hn::Sub(p, t);
    value = hn::Mul(u, u);
    slope = hn::Add(u, u);
  }
};

struct Huber {
  float delta;
  // With m = min(|u|, delta) both branches are m (|u| - m/2).
  template <class D, class V>
  HWY_INLINE void operator()(D d, V p, V t, V& value, V& slope) const {
    const auto u = hn::Sub(p, t);
    const auto most = hn::Set(d, delta);
    const auto m = hn::Min(hn::Abs(u), most);
    value = hn::Mul(m, hn::NegMulAdd(m, hn::Set(d, 0.5f), hn::Abs(u)));
    slope = hn::Max(hn::Neg(most), hn::Min(u, most));
  }
};

struct BceWithLogits {
  template <class D, class V>
  HWY_INLINE void operator()(D d, V p, V t, V& value, V& slope) const {
    const auto zero = hn::Zero(d);
    const auto one = hn::Set(d, 1.0f);
    const auto e = exp(d, hn::Neg(hn::Abs(p)));  // never overflows
    value = hn::Add(hn::NegMulAdd(p, t, hn::Max(p, zero)), log1p(d, e));
    const auto sigmoid = hn::Div(hn::IfThenElse(hn::Ge(p, zero), one, e), hn::Add(one, e));
    slope = hn::Sub(sigmoid, t);
  }
};

// Returns the sum of weight * value over `count` elements, in double every few vectors; weight and
// gradient may be null.
template <class Penalty>
HWY_INLINE double sum_chunk(const Penalty& penalty, std::size_t count, float scale,
                            const float* prediction, const float* target, const float* weight,
                            float* gradient) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kVectors = 16;  // so few floats a lane that their sum is still exact enough
  const auto by = hn::Set(d, scale);
  auto sum = hn::Zero(d);
  const auto add = [&](const float* p, const float* t, const float* w, float* g, std::size_t n) {
    auto value = hn::Zero(d);
    auto slope = value;
    penalty(d, hn::LoadU(d, p), hn::LoadU(d, t), value, slope);
    auto factor = w ? hn::LoadU(d, w) : hn::Set(d, 1.0f);
    if (n < lanes) factor = hn::IfThenElseZero(hn::FirstN(d, n), factor);
    sum = hn::MulAdd(value, factor, sum);
    if (g) hn::StoreU(hn::Mul(slope, hn::Mul(factor, by)), d, g);
  };
  double total = 0;
  const auto flush = [&] {
    HWY_ALIGN float lane[HWY_MAX_BYTES / sizeof(float)] = {};
    hn::Store(sum, d, lane);
    for (std::size_t i = 0; i < lanes; ++i) total += lane[i];
    sum = hn::Zero(d);
  };
  std::size_t i = 0;
  while (i + lanes <= count) {
    for (std::size_t v = 0; v < kVectors && i + lanes <= count; ++v, i += lanes) {
      add(prediction + i, target + i, weight ? weight + i : nullptr,
          gradient ? gradient + i : nullptr, lanes);
    }
    flush();
  }
  if (i < count) {  // through padded copies
    float p[HWY_MAX_BYTES / sizeof(float)] = {}, t[HWY_MAX_BYTES / sizeof(float)] = {},
                            w[HWY_MAX_BYTES / sizeof(float)] = {}, g[HWY_MAX_BYTES / sizeof(float)];
    std::copy(prediction + i, prediction + count, p);
    std::copy(target + i, target + count, t);
    if (weight) std::copy(weight + i, weight + count, w);
    add(p, t, weight ? w : nullptr, g, count - i);
    if (gradient) std::copy_n(g, count - i, gradient + i);
    flush();
  }
  return total;
}

double loss_of_chunk(const PixelLoss& loss, std::size_t count, float scale, const float* prediction,
                     const float* target, const float* weight, float* gradient) {
  const auto sum = [&](const auto& penalty) {
    return sum_chunk(penalty, count, scale, prediction, target, weight, gradient);
  };
  switch (loss.penalty) {
    case Penalty::l1:
      return sum(L1());
    case Penalty::l2:
      return sum(L2());
    case Penalty::huber:
      return sum(Huber{loss.delta});
    case Penalty::bce_with_logits:
      break;
  }
  return sum(BceWithLogits());
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(loss_of_chunk);

constexpr std::size_t kChunk = 8192;  // elements, about

}  // namespace

double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient) {
  const std::size_t c = loss.channels;
  const double scale = 1.0 / static_cast<double>(loss.pixels * c);
  const std::size_t chunk = std::max<std::size_t>(1, kChunk / c);
  const double sum = parallel_sum(loss.pixels, chunk, [&](std::size_t begin, std::size_t end) {
    std::vector<float> weights;  // of each element
    for (std::size_t i = begin; weight && i < end; ++i) weights.insert(weights.end(), c, weight[i]);
    return HWY_DYNAMIC_DISPATCH(loss_of_chunk)(loss, (end - begin) * c, static_cast<float>(scale),
                                               prediction + begin * c, target + begin * c,
                                               weight ? weights.data() : nullptr,
                                               gradient ? gradient + begin * c : nullptr);
  });
  return sum * scale;
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
