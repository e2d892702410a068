// e^x and log(1 + x) on vectors, for the SIMD part of kernels: included once for each instruction
// set.
#if defined(TINCT_KERNELS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_KERNELS_EXP_INL_H_
#undef TINCT_KERNELS_EXP_INL_H_
#else
#define TINCT_KERNELS_EXP_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// e^x for x <= 88, relative error below 1e-7; 0 below -87.3 (where floats become subnormal), NaN of
// NaN. x = n log 2 + r, e^r by the polynomial of Cephes's expf, 2^n by the exponent's bits.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  const hn::RebindToSigned<D> integers;
  const auto n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // log 2 in two parts, the first short enough for n times it to be exact.
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  auto p = hn::MulAdd(hn::Set(d, 1.9875691500e-4f), r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  const auto exponent = hn::Add(hn::ConvertTo(integers, n), hn::Set(integers, 127));
  const auto power = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), hn::Mul(p, power));
}

// log(1 + x) for 0 <= x <= 1, relative error below 3e-7 where x is normal: 2 artanh(s), s = x / (2
// + x) <= 1/3, whose series in s^2 is cut where its terms fall below 2e-8.
template <class D, class V>
HWY_INLINE V log1p(D d, V x) {
  const auto s = hn::Div(x, hn::Add(x, hn::Set(d, 2.0f)));
  const auto t = hn::Mul(s, s);
  auto p = hn::MulAdd(t, hn::Set(d, 1.0f / 13), hn::Set(d, 1.0f / 11));
  p = hn::MulAdd(p, t, hn::Set(d, 1.0f / 9));
  p = hn::MulAdd(p, t, hn::Set(d, 1.0f / 7));
  p = hn::MulAdd(p, t, hn::Set(d, 1.0f / 5));
  p = hn::MulAdd(p, t, hn::Set(d, 1.0f / 3));
  p = hn::MulAdd(p, t, hn::Set(d, 1.0f));
  return hn::Mul(hn::Add(s, s), p);
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
