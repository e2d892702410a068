// Loops over vectors, for the SIMD part of kernels: included once for each instruction set.
#if defined(TINCT_KERNELS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_VECTORS_INL_H_
#undef TINCT_KERNELS_VECTORS_INL_H_
#else
#define TINCT_KERNELS_VECTORS_INL_H_
#endif

#include <cstddef>
#include <type_traits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Calls f(i) for vectors that cover [0, count), count at least one vector; the last may overlap the
// one before it, so f must not read what it writes.
template <class D, class F>
HWY_INLINE void for_vectors(D d, std::size_t count, const F& f) {
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) f(i);
  if (i < count) f(count - lanes);
}

// Calls vectors(d) with the widest vector of floats that fits into c channels, or scalar(c), c then
// being a constant, for one to three.
template <class F, class G>
HWY_INLINE void for_channels(std::size_t c, const F& vectors, const G& scalar) {
  if (c >= hn::Lanes(hn::ScalableTag<float>())) return vectors(hn::ScalableTag<float>());
  if (c >= 8) return vectors(hn::CappedTag<float, 8>());
  if (c >= 4) return vectors(hn::CappedTag<float, 4>());
  if (c == 3) return scalar(std::integral_constant<std::size_t, 3>());
  if (c == 2) return scalar(std::integral_constant<std::size_t, 2>());
  scalar(std::integral_constant<std::size_t, 1>());
}

// Calls f(store): store(v, d, p) is an ordinary store, or with `stream` one past the caches, which
// must be aligned; end those with hwy::FlushStream().
template <class F>
HWY_INLINE void with_store(bool stream, const F& f) {
  if (stream) {
    f([](auto v, auto d, float* p) HWY_ATTR { hn::Stream(v, d, p); });
  } else {
    f([](auto v, auto d, float* p) HWY_ATTR { hn::StoreU(v, d, p); });
  }
}

// a + t (b - a): exact where a = b, so a constant stays constant.
template <class V>
HWY_INLINE V lerp(V a, V b, V t) {
  return hn::MulAdd(t, hn::Sub(b, a), a);
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
