// Activations that a tile does not apply on its way out.
#include <algorithm>

#include "kernels/conv/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/activate.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Max and Min give their second argument where either is NaN: NaN stays NaN.
V apply(Activation activation, V v) {
  const D d;
  switch (activation) {
    case Activation::relu:
      return hn::Max(hn::Zero(d), v);
    case Activation::leaky_relu:
      return hn::Max(hn::Mul(v, hn::Set(d, kLeakySlope)), v);
    case Activation::sigmoid: {
      const V one = hn::Set(d, 1.0f);
      const V e = hn::Exp(d, hn::Min(hn::Set(d, 88.0f), hn::Neg(v)));
      return hn::IfThenElse(hn::IsNaN(v), v, hn::Div(one, hn::Add(one, e)));
    }
    case Activation::tanh:
      return hn::Tanh(d, v);
    case Activation::none:
      break;
  }
  return v;
}

void run(Activation activation, float* y, std::size_t count) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(apply(activation, hn::LoadU(d, y + i)), d, y + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[HWY_LANES(float)] = {};
  std::copy(y + i, y + count, rest);
  hn::Store(apply(activation, hn::Load(d, rest)), d, rest);
  std::copy(rest, rest + (count - i), y + i);
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::conv {

HWY_EXPORT(run);

void activate(Activation activation, float* y, std::size_t y_pixel, std::size_t pixels,
              std::size_t channels) {
  if (activation == Activation::none) return;
  if (channels == y_pixel) {
    HWY_DYNAMIC_DISPATCH(run)(activation, y, pixels * channels);
    return;
  }
  for (std::size_t p = 0; p < pixels; ++p) {
    HWY_DYNAMIC_DISPATCH(run)(activation, y + p * y_pixel, channels);
  }
}

}  // namespace tinct::conv
#endif  // HWY_ONCE
