// The vector arithmetic of Lab and of the sRGB curve, shared by the kernels that are compiled per
// instruction set.
//
// There is no pow and no table: x^2.4 = x^2 (x^(1/5))^2 and x^(1/2.4) = c c^(1/4) with c = x^(1/3).
// Roots start from the exponent bits divided by n and take two steps of Halley's iteration, which
// triples the digits each time: 3 % to 2e-5 to rounding.
#if defined(TINCT_COLOUR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINCT_COLOUR_INL_H_
#undef TINCT_COLOUR_INL_H_
#else
#define TINCT_COLOUR_INL_H_
#endif

#include <hwy/highway.h>

#include "kernels/colour_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

HWY_INLINE Vector constant(double value) {
  return hn::Set(Floats(), static_cast<float>(value));
}

/// A guess at x^(1/n), x > 0 and normal: the bits of a float are roughly its logarithm.
HWY_INLINE Vector guess_root(Vector x, float n) {
  const hn::RebindToSigned<Floats> integers;
  const float one = 1065353216.0f - 377487.0f;  // the bits of 1, less the mean error of the chord
  const Vector bits = hn::ConvertTo(Floats(), hn::BitCast(integers, x));
  const Vector divided =
      hn::MulAdd(bits, constant(1 / n), constant(static_cast<double>(one) * (1 - 1 / n)));
  return hn::BitCast(Floats(), hn::ConvertTo(integers, divided));
}

/// x^(1/3), x >= 1e-30.
HWY_INLINE Vector cube_root(Vector x) {
  Vector y = guess_root(x, 3);
  for (int step = 0; step < 2; ++step) {
    const Vector cube = hn::Mul(hn::Mul(y, y), y);
    y = hn::Mul(y, hn::Div(hn::MulAdd(x, constant(2), cube), hn::MulAdd(cube, constant(2), x)));
  }
  return y;
}

/// x^(1/5), x >= 1e-30.
HWY_INLINE Vector fifth_root(Vector x) {
  Vector y = guess_root(x, 5);
  for (int step = 0; step < 2; ++step) {
    const Vector square = hn::Mul(y, y);
    const Vector fifth = hn::Mul(hn::Mul(square, square), y);
    const Vector above = hn::MulAdd(x, constant(3), hn::Mul(fifth, constant(2)));
    const Vector below = hn::MulAdd(fifth, constant(3), hn::Mul(x, constant(2)));
    y = hn::Mul(y, hn::Div(above, below));
  }
  return y;
}

HWY_INLINE Vector srgb_to_linear(Vector encoded) {
  const Vector c = hn::Max(encoded, hn::Zero(Floats()));
  const Vector base = hn::MulAdd(c, constant(1 / 1.055), constant(.055 / 1.055));
  const Vector fifth = fifth_root(base);
  const Vector power = hn::Mul(hn::Mul(base, base), hn::Mul(fifth, fifth));
  return hn::IfThenElse(hn::Le(c, constant(.04045)), hn::Mul(c, constant(1 / 12.92)), power);
}

HWY_INLINE Vector linear_to_srgb(Vector light) {
  const Vector c = hn::Max(light, hn::Zero(Floats()));
  const Vector root = cube_root(hn::Max(c, constant(1e-9)));
  const Vector power = hn::Mul(root, hn::Sqrt(hn::Sqrt(root)));
  return hn::IfThenElse(hn::Le(c, constant(.0031308)), hn::Mul(c, constant(12.92)),
                        hn::MulSub(power, constant(1.055), constant(.055)));
}

/// f(t) of CIE 15 and its inverse.
HWY_INLINE Vector root(Vector t) {
  return hn::IfThenElse(hn::Gt(t, constant(colour::foot)), cube_root(hn::Max(t, constant(1e-9))),
                        hn::MulAdd(t, constant(colour::foot_slope), constant(colour::foot_offset)));
}

HWY_INLINE Vector unroot(Vector f) {
  const Vector straight =
      hn::Mul(hn::Sub(f, constant(colour::foot_offset)), constant(1 / colour::foot_slope));
  return hn::IfThenElse(hn::Gt(f, constant(colour::foot_root)), hn::Mul(hn::Mul(f, f), f),
                        straight);
}

/// One row of a matrix whose rows sum to one: exactly g when r = g = b.
HWY_INLINE Vector row_product(const std::array<double, 3>& row, Vector r, Vector g, Vector b) {
  return hn::MulAdd(constant(row[0]), hn::Sub(r, g),
                    hn::MulAdd(constant(row[2]), hn::Sub(b, g), g));
}

/// Replaces (x, y, z) by its product with `m`.
HWY_INLINE void multiply(const colour::Matrix& m, Vector& x, Vector& y, Vector& z) {
  const Vector r = row_product(m[0], x, y, z);
  const Vector g = row_product(m[1], x, y, z);
  const Vector b = row_product(m[2], x, y, z);
  x = r, y = g, z = b;
}

/// (L, a, b) to linear light, where components outside 0..1 stay.
HWY_INLINE void lab_to_linear(Vector& x, Vector& y, Vector& z) {
  const Vector fy = hn::Mul(hn::Add(x, constant(16)), constant(1.0 / 116));
  const Vector fx = hn::MulAdd(y, constant(1.0 / 500), fy);
  const Vector fz = hn::NegMulAdd(z, constant(1.0 / 200), fy);
  x = unroot(fx), y = unroot(fy), z = hn::Max(unroot(fz), hn::Zero(Floats()));
  multiply(colour::from_white, x, y, z);
}

/// Calls op(x, y, z) on every pixel of n, a vector of pixels at a time.
template <class Op>
HWY_INLINE void map_pixels(std::size_t n, const float* in, float* out, const Op& op) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto step = [&](const float* from, float* to) {
    Vector x, y, z;
    hn::LoadInterleaved3(d, from, x, y, z);
    op(x, y, z);
    hn::StoreInterleaved3(x, y, z, d, to);
  };
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(in + 3 * i, out + 3 * i);
  if (i == n) return;
  HWY_ALIGN float rest[3 * hn::MaxLanes(d)] = {};
  for (std::size_t k = 0; k < 3 * (n - i); ++k) rest[k] = in[3 * i + k];
  step(rest, rest);
  for (std::size_t k = 0; k < 3 * (n - i); ++k) out[3 * i + k] = rest[k];
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
