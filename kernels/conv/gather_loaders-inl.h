// How blocks of the implicit GEMM fetch their tiles: pixels through taps, and the filter along or
// across. For .cu files.
#pragma once

#include "kernels/conv/gather.h"
#include "kernels/conv/mma_tile-inl.h"

namespace tinct::gpu {

inline constexpr int kGatherPhases = 4;  ///< of one launch

struct GatherPhase {
  Axis rows, columns;
};

struct GatherGeometry {
  GatherPhase phases[kGatherPhases];
  int images, height, width;  // of the output
  int c;                      // of the input, a multiple of 8
  int n;                      // output channels
  int kh, kw;
  int w_rows;   // of the filter across: output channels, unpadded
  int w_pitch;  // of the filter across: input channels, padded
};

/// A place on the summed axis: a tap and its channel.
struct Place {
  int r, s, c;

  __device__ void advance(int by, int channels, int columns) {
    c += by;
    while (c >= channels) {
      c -= channels;
      if (++s == columns) s = 0, ++r;
    }
  }
};

/// Copies A's tile: kM pixels x 32 terms, four chunks a pixel.
template <class T>
struct PixelLoader {
  static constexpr int kApart = T::kThreads / 4, kRows = T::kM / kApart;

  const bf16* x;
  const bf16* image[kRows];
  int y[kRows], column[kRows];
  Place place;

  // The tile's pixels are those of the phase from `first` on, of `pixels`.
  __device__ PixelLoader(const GatherGeometry& g, const GatherPhase& p, const bf16* x_, int first,
                         int pixels)
      : x(x_), place{0, 0, 0} {
    const int t = static_cast<int>(threadIdx.x);
    place.advance(t % 4 * 8, g.c, p.columns.taps);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int pixel = first + t / 4 + i * kApart;
      const int line = pixel / p.columns.outputs, plane = line / p.rows.outputs;
      column[i] = (pixel - line * p.columns.outputs) * p.columns.stride + p.columns.origin;
      y[i] = pixel < pixels ? (line - plane * p.rows.outputs) * p.rows.stride + p.rows.origin
                            : -(1 << 30);  // no tap brings it back
      image[i] = x + static_cast<std::size_t>(pixel < pixels ? plane : 0) * p.rows.inputs *
                         p.columns.inputs * g.c;
    }
  }

  __device__ void fetch(const GatherGeometry& g, const GatherPhase& p, bf16* to) {
    const int t = static_cast<int>(threadIdx.x);
    const int down = place.r * p.rows.delta, right = place.s * p.columns.delta;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int iy = y[i] + down, ix = column[i] + right;
      const bool there = place.r < p.rows.taps &&
                         static_cast<unsigned>(iy) < static_cast<unsigned>(p.rows.inputs) &&
                         static_cast<unsigned>(ix) < static_cast<unsigned>(p.columns.inputs);
      const bf16* from =
          there ? image[i] + static_cast<std::size_t>(iy * p.columns.inputs + ix) * g.c + place.c
                : x;
      async_copy_16(to + at<4>(t / 4 + i * kApart, t % 4), from, there ? 16 : 0);
    }
    place.advance(T::kK, g.c, p.columns.taps);
  }
};

/// Copies B's tile of the forward pass: kN output channels x 32 terms of the filter (n, taps c).
template <class T>
struct FilterLoader {
  static constexpr int kApart = T::kThreads / 4, kRows = ceil_div(T::kN, kApart);

  const bf16* w;
  int first, term, terms;

  __device__ FilterLoader(const GatherGeometry& g, const GatherPhase&, const bf16* w_, int first_)
      : w(w_),
        first(first_),
        term(static_cast<int>(threadIdx.x % 4 * 8)),
        terms(g.kh * g.kw * g.c) {}

  __device__ void fetch(const GatherGeometry& g, const GatherPhase&, bf16* to) {
    const int t = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int row = t / 4 + i * kApart, n = first + row;
      if (T::kN % kApart != 0 && row >= T::kN) break;
      const bool there = n < g.n && term < terms;
      async_copy_16(to + at<4>(row, t % 4),
                    there ? w + static_cast<std::size_t>(n) * terms + term : w, there ? 16 : 0);
    }
    term += T::kK;
  }
};

/// Copies B's tile of the data gradient: 32 terms (tap, output channel) x kN input channels.
template <class T>
struct AcrossLoader {
  static constexpr int kChunks = T::kN / 8, kApart = T::kThreads / kChunks;
  static constexpr int kRows = T::kK / kApart;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);

  const bf16* w;
  int c;
  Place place[kRows];

  __device__ AcrossLoader(const GatherGeometry& g, const GatherPhase& p, const bf16* w_, int first)
      : w(w_), c(first + static_cast<int>(threadIdx.x) % kChunks * 8) {
    const int t = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      place[i] = {0, 0, 0};
      place[i].advance(t / kChunks + i * kApart, g.c, p.columns.taps);
    }
  }

  __device__ void fetch(const GatherGeometry& g, const GatherPhase& p, bf16* to) {
    const int t = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      Place& at_term = place[i];
      const bool there = at_term.r < p.rows.taps && at_term.c < g.w_rows && c < g.w_pitch;
      const int tap = (p.rows.first_tap + at_term.r * p.rows.tap_step) * g.kw +
                      p.columns.first_tap + at_term.s * p.columns.tap_step;
      const bf16* from =
          there ? w + (static_cast<std::size_t>(at_term.c) * (g.kh * g.kw) + tap) * g.w_pitch + c
                : w;
      async_copy_16(to + at<kChunks>(t / kChunks + i * kApart, t % kChunks), from, there ? 16 : 0);
      at_term.advance(T::kK, g.c, p.columns.taps);
    }
  }
};

}  // namespace tinct::gpu
