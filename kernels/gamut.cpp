// Fitting Lab colours into sRGB, vectorised: bisection runs only where some pixel of a vector needs
// it.
#include "kernels/gamut.h"

#include <algorithm>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gamut.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "kernels/colour-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

/// Whether sRGB lacks the colour; also true for NaN.
HWY_INLINE hn::Mask<Floats> outside(Vector l, Vector a, Vector b) {
  lab_to_linear(l, a, b);
  const Vector least = hn::Min(l, hn::Min(a, b)), most = hn::Max(l, hn::Max(a, b));
  return hn::Not(hn::And(hn::Ge(least, constant(-1e-6)), hn::Le(most, constant(1 + 1e-6))));
}

void fit(std::size_t n, float* lab) {
  map_pixels(n, lab, lab, [](Vector& l, Vector& a, Vector& b) HWY_ATTR {
    const Floats d;
    const auto wrong = outside(l, a, b);
    if (hn::AllFalse(d, wrong)) return;
    Vector low = hn::Zero(d);
    for (float width = .5f; width > 1.0f / 8192; width /= 2) {
      const Vector middle = hn::Add(low, constant(width));
      low = hn::IfThenElse(outside(l, hn::Mul(middle, a), hn::Mul(middle, b)), low, middle);
    }
    a = hn::IfThenElse(wrong, hn::Mul(low, a), a);
    b = hn::IfThenElse(wrong, hn::Mul(low, b), b);
  });
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {
HWY_EXPORT(fit);
}

void fit_to_gamut(std::size_t n, float* lab) {
  const std::size_t block = 2048;
  parallel_for((n + block - 1) / block, [&](std::size_t first, std::size_t last) {
    for (std::size_t b = first; b < last; ++b) {
      HWY_DYNAMIC_DISPATCH(fit)(std::min(block, n - b * block), lab + 3 * b * block);
    }
  });
}

}  // namespace tinct::cpu
#endif
