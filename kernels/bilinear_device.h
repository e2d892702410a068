// The axes of bilinear resizing in whole numbers, for kernels: nothing is looked up.
#pragma once

#include <numeric>

#include "core/simt/divide.h"
#include "core/simt/pack.h"
#include "kernels/bilinear_upsample.h"

namespace tinct::gpu {

/// One axis: output o lies at (o step + offset) / unit of the input, clamped to its pixels. The
/// fraction is in lowest terms, so that for doubling, where unit is 4, weights are exact.
struct ResizeAxis {
  unsigned in, out;
  Divisor step, unit;
  int offset;
  float share;  // 1 / unit
};

/// Throws std::invalid_argument, naming the operation, unless both extents are 1 to 32767: all
/// products then fit into 31 bits.
inline ResizeAxis resize_axis(const char* operation, std::size_t in, std::size_t out, Align align) {
  if (in == 0 || out == 0 || in > 32767 || out > 32767) {
    throw std::invalid_argument(std::string(operation) + ": " + std::to_string(in) + " to " +
                                std::to_string(out) + " pixels; the device takes 1 to 32767");
  }
  const int i = static_cast<int>(in), o = static_cast<int>(out);
  int step = i, offset = 0, unit = o;
  if (align == Align::half_pixel) {
    step = 2 * i;
    offset = i - o;
    unit = 2 * o;
  } else if (align == Align::corners) {
    const bool alone = i == 1 || o == 1;  // only pixel 0 is read
    step = alone ? 1 : i - 1;
    unit = alone ? 1 : o - 1;
  }
  const int common = std::gcd(std::gcd(step, unit), offset);
  step /= common, offset /= common, unit /= common;
  return {static_cast<unsigned>(in),
          static_cast<unsigned>(out),
          Divisor(static_cast<unsigned>(step)),
          Divisor(static_cast<unsigned>(unit)),
          offset,
          1 / static_cast<float>(unit)};
}

/// Output o is (1 - weight) x[first] + weight x[second].
struct ResizeTap {
  unsigned first, second;
  float weight;
};

__device__ __forceinline__ ResizeTap tap(const ResizeAxis& axis, unsigned o) {
  const int most = static_cast<int>((axis.in - 1) * axis.unit.value());
  const int at = min(max(static_cast<int>(o * axis.step.value()) + axis.offset, 0), most);
  const unsigned first = axis.unit.divide(at);
  return {first, min(first + 1, axis.in - 1),
          static_cast<float>(at - first * axis.unit.value()) * axis.share};
}

/// What the output with this tap gives input i.
__device__ __forceinline__ float share_of(const ResizeTap& t, unsigned i) {
  return (t.first == i ? 1 - t.weight : 0) + (t.second == i ? t.weight : 0);
}
__device__ __forceinline__ float share_of(const ResizeAxis& axis, unsigned o, unsigned i) {
  return share_of(tap(axis, o), i);
}

struct ResizeSpan {
  unsigned begin, end;
};

/// The outputs that read input i: those less than a pixel from it, and beyond the border all.
__device__ __forceinline__ ResizeSpan readers(const ResizeAxis& axis, unsigned i) {
  const int unit = static_cast<int>(axis.unit.value()), at = static_cast<int>(i);
  const int before = (at - 1) * unit - axis.offset, after = (at + 1) * unit - axis.offset;
  ResizeSpan span{0, axis.out};
  if (i > 0 && before >= 0) span.begin = axis.step.divide(before) + 1;
  if (i + 1 < axis.in) {
    span.end = after <= 0 ? 0 : axis.step.divide(after + axis.step.value() - 1);
    span.end = min(span.end, axis.out);
  }
  return span;
}

template <int kWidth>
__device__ __forceinline__ Pack<kWidth> lerp(const Pack<kWidth>& a, const Pack<kWidth>& b,
                                             float weight) {
  Pack<kWidth> y;
  for (int k = 0; k < kWidth; ++k) y.v[k] = a.v[k] + weight * (b.v[k] - a.v[k]);
  return y;
}

template <int kWidth>
__device__ __forceinline__ void add_scaled(Pack<kWidth>& sum, float factor, const Pack<kWidth>& x) {
  for (int k = 0; k < kWidth; ++k) sum.v[k] += factor * x.v[k];
}

/// A walk down the rows of a resized column: the two rows between which the last output lay, so
/// that each row is fetched once.
template <int kWidth>
struct RowPair {
  Pack<kWidth> top{}, bottom{};
  unsigned upper = ~0u, lower = ~0u;  // which they are; at first none

  /// The output with this tap; row(i) fetches row i.
  template <class Row>
  __device__ __forceinline__ Pack<kWidth> at(const ResizeTap& down, const Row& row) {
    if (down.first != upper) {
      top = down.first == lower ? bottom : row(down.first);
      upper = down.first;
    }
    if (down.second != lower) {
      bottom = down.second == upper ? top : row(down.second);
      lower = down.second;
    }
    return lerp(top, bottom, down.weight);
  }
};

}  // namespace tinct::gpu
