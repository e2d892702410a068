// The device's side of correlation.h: pixels and terms of a sum by their numbers. For .cu files.
#pragma once

#include "core/simt/divide.h"
#include "core/simt/simt.h"
#include "kernels/conv/correlation.h"

namespace tinct::gpu {

/// Behind every edge: what reads from here reads nothing, whatever tap it adds.
inline constexpr int kNowhere = -(1 << 30);

/// Whether (y,x) lies in the input of the phase.
__device__ __forceinline__ bool inside(const Phase& p, int y, int x) {
  return static_cast<unsigned>(y) < static_cast<unsigned>(p.rows.inputs) &&
         static_cast<unsigned>(x) < static_cast<unsigned>(p.columns.inputs);
}

/// A place on the summed axis: the tap (r,s) of the phase and its channel.
struct Term {
  int r, s, c;

  /// `columns` are the taps of a row; a phase that nothing reaches has none, and no terms.
  __device__ Term(int index, int channels, int columns)
      : r(index / channels / max(columns, 1)),
        s(index / channels % max(columns, 1)),
        c(index % channels) {}
  __device__ void advance(int by, int channels, int columns) {
    c += by;
    while (c >= channels) {
      c -= channels;
      if (++s == columns) s = 0, ++r;
    }
  }
  /// Whether the phase has such a tap.
  __device__ bool exists(const Phase& p) const { return r < p.rows.taps; }
  /// The tap's number in the filter.
  __device__ int tap(const Correlation& g, const Phase& p) const {
    return (p.rows.first_tap + r * p.rows.tap_step) * g.kw + p.columns.first_tap +
           s * p.columns.tap_step;
  }
};

/// An output pixel of a phase: y and x are where its first tap reads, line the rows of the input
/// before its image, place its number in the output tensor, -1 if there is no such pixel.
struct alignas(16) Pixel {
  int y, x, line, place;
};

__device__ __forceinline__ Pixel pixel_at(const Correlation& g, const Phase& p, int index) {
  if (index >= g.images * p.rows.outputs * p.columns.outputs) return {kNowhere, 0, 0, -1};
  const int line = index / p.columns.outputs, image = line / p.rows.outputs;
  const int row = line - image * p.rows.outputs, column = index - line * p.columns.outputs;
  return {row * p.rows.stride + p.rows.origin, column * p.columns.stride + p.columns.origin,
          image * p.rows.inputs,
          (image * g.height + p.rows.first + row * p.rows.step) * g.width + p.columns.first +
              column * p.columns.step};
}

/// The weight gradient: dw (k, taps c) is summed over the pixels of dy.
struct WeightSums {
  Phase phase;  ///< the forward pass's
  Divisor ow, oh;
  int pixels;  ///< of dy
  int c, k, kw;
  int columns;  ///< of dw: taps c

  std::size_t size() const {
    return static_cast<std::size_t>(k) * static_cast<std::size_t>(columns);
  }
};

inline WeightSums weight_sums(const Conv2dShape& s) {
  const Correlation forward = forward_correlation(s);
  WeightSums g{};
  g.phase = forward.phases[0];
  g.ow = Divisor(static_cast<unsigned>(s.ow()));
  g.oh = Divisor(static_cast<unsigned>(s.oh()));
  g.pixels = forward.most_pixels();
  g.c = forward.c, g.k = forward.n, g.kw = forward.kw;
  g.columns = forward.taps * forward.c;
  return g;
}

/// A column of dw: its channel, and where its tap reads for output pixel (0,0).
struct Tap {
  int y, x, c;

  __device__ Tap(const WeightSums& g, int column) : c(column % g.c) {
    const int tap = column / g.c;
    y = column < g.columns ? tap / g.kw * g.phase.rows.delta + g.phase.rows.origin : kNowhere;
    x = tap % g.kw * g.phase.columns.delta + g.phase.columns.origin;
  }
  /// The number of the pixel of x that it reads for pixel `pixel` of dy, or -1.
  __device__ int at(const WeightSums& g, int pixel) const {
    if (pixel >= g.pixels) return -1;
    const Axis& rows = g.phase.rows;
    const Axis& columns = g.phase.columns;
    const auto line = static_cast<int>(g.ow.divide(static_cast<unsigned>(pixel)));
    const auto image = static_cast<int>(g.oh.divide(static_cast<unsigned>(line)));
    const int iy = (line - image * rows.outputs) * rows.stride + y;
    const int ix = (pixel - line * columns.outputs) * columns.stride + x;
    return inside(g.phase, iy, ix) ? (image * rows.inputs + iy) * columns.inputs + ix : -1;
  }
};

}  // namespace tinct::gpu
