// Building blocks of the elementwise kernels, compiled once for each instruction set: include after
// hwy/foreach_target.h.
#if defined(TINCT_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_SIMD_INL_H_
#undef TINCT_KERNELS_SIMD_INL_H_
#else
#define TINCT_KERNELS_SIMD_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

#include "kernels/activation_kind.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatTag>;

// Whether this instruction set has masked loads and stores of T that touch nothing else.
template <class T>
constexpr bool has_masked_memory() {
#if HWY_TARGET == HWY_AVX3
  return true;
#elif HWY_TARGET == HWY_AVX2
  return sizeof(T) >= 4;
#else
  return false;
#endif
}

// The first `count` lanes, the others 0. Reads nothing beyond them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const T* p, std::size_t count) {
  if constexpr (has_masked_memory<T>()) {
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
  } else {
    HWY_ALIGN T lanes[hn::MaxLanes(d)] = {};
    std::memcpy(lanes, p, HWY_MIN(count, hn::Lanes(d)) * sizeof(T));
    return hn::Load(d, lanes);
  }
}

// Writes the first `count` lanes and nothing beyond them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(D d, hn::Vec<D> v, T* p, std::size_t count) {
  if constexpr (has_masked_memory<T>()) {
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
  } else {
    HWY_ALIGN T lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    std::memcpy(p, lanes, HWY_MIN(count, hn::Lanes(d)) * sizeof(T));
  }
}

// Calls f(i, load, store) for each vector of `count` floats: load(p) reads the lanes at p + i,
// store(v, p) writes them; both know of a last, partial vector. With `stream`, stores of full
// vectors go past the caches and must be aligned; end with hwy::FlushStream().
template <class F>
HWY_INLINE void for_each_vector(std::size_t count, bool stream, F&& f) {
  const FloatTag d;
  const std::size_t step = hn::Lanes(d);
  const auto load = [&](std::size_t i) {
    return [=](const float* p) HWY_ATTR { return hn::LoadU(d, p + i); };
  };
  std::size_t i = 0;
  if (stream) {
    for (; i + step <= count; i += step) {
      f(i, load(i), [=](Floats v, float* p) HWY_ATTR { hn::Stream(v, d, p + i); });
    }
  } else {
    for (; i + step <= count; i += step) {
      f(i, load(i), [=](Floats v, float* p) HWY_ATTR { hn::StoreU(v, d, p + i); });
    }
  }
  if (i < count) {
    f(
        i, [=](const float* p) HWY_ATTR { return load_first(d, p + i, count - i); },
        [=](Floats v, float* p) HWY_ATTR { store_first(d, v, p + i, count - i); });
  }
}

// The activations that cost nothing, as functions of a vector. NaN stays NaN.
struct Identity {
  HWY_INLINE Floats operator()(Floats v) const { return v; }
  HWY_INLINE Floats gradient(Floats, Floats dy) const { return dy; }
};
struct Relu {
  HWY_INLINE Floats operator()(Floats v) const {
    return hn::IfThenZeroElse(hn::Le(v, hn::Zero(FloatTag())), v);
  }
  // The gradient with respect to the input, where v is the input or the output.
  HWY_INLINE Floats gradient(Floats v, Floats dy) const {
    return hn::IfThenZeroElse(hn::Le(v, hn::Zero(FloatTag())), dy);
  }
};
struct LeakyRelu {
  float slope = kLeakySlope;
  HWY_INLINE Floats operator()(Floats v) const { return gradient(v, v); }
  HWY_INLINE Floats gradient(Floats v, Floats dy) const {
    const FloatTag d;
    return hn::IfThenElse(hn::Le(v, hn::Zero(d)), hn::Mul(dy, hn::Set(d, slope)), dy);
  }
};

// Calls f with the function object of a fusable activation.
template <class F>
HWY_INLINE void with_fused(Activation activation, F&& f) {
  switch (activation) {
    case Activation::relu:
      return f(Relu());
    case Activation::leaky_relu:
      return f(LeakyRelu());
    default:
      return f(Identity());
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
