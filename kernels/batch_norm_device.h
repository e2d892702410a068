// How the batch normalisation kernels lie over a (rows, c) array, and their sums down the rows.
//
// A row is `lanes` vectors of kWidth channels; a block takes `height` rows at a time, which are one
// run of memory, so every request is whole sectors for any c. A thread keeps its channels.
#pragma once

#include "core/simt/simt.h"

namespace tinct::gpu::norm {

inline constexpr unsigned kThreads = 256;

struct Tiling {
  std::size_t rows, c;
  std::size_t slab;  ///< rows of a block, whole heights
  unsigned lanes, height;
  unsigned slabs, tiles;  ///< the grid: slabs of rows, tiles of channels

  dim3 grid() const { return dim3(slabs, tiles); }
};

/// At least `least` rows a thread where there are so many, and about `most` blocks at the most.
inline Tiling tile(std::size_t rows, std::size_t c, unsigned width, std::size_t least,
                   std::size_t most) {
  Tiling t{};
  t.rows = rows;
  t.c = c;
  const std::size_t vectors = ceil_div<std::size_t>(c, width);
  t.tiles = static_cast<unsigned>(ceil_div<std::size_t>(vectors, kThreads));
  t.lanes = static_cast<unsigned>(ceil_div<std::size_t>(vectors, t.tiles));
  t.height = kThreads / t.lanes;
  const std::size_t share = ceil_div<std::size_t>(rows * t.tiles, most);
  t.slab = ceil_div<std::size_t>(share < least * t.height ? least * t.height : share, t.height) *
           t.height;
  t.slabs = static_cast<unsigned>(ceil_div(rows, t.slab));
  return t;
}

/// A thread's place: its channels from `channel` on, and every `height`-th row of [row, end).
struct Place {
  unsigned y;
  std::size_t channel, row, end;
  bool active;
};

template <int kWidth>
__device__ Place place_in(const Tiling& t) {
  Place p{};
  p.y = threadIdx.x / t.lanes;
  p.channel = (static_cast<std::size_t>(blockIdx.y) * t.lanes + threadIdx.x % t.lanes) * kWidth;
  p.row = blockIdx.x * t.slab + p.y;
  p.end = min((blockIdx.x + std::size_t{1}) * t.slab, t.rows);
  p.active = p.y < t.height && p.channel < t.c;
  return p;
}

/// merge(v, other) down the block's rows by halves, until row 0 has it all. A kernel calls it once,
/// with every thread.
template <int kCount, class Merge>
__device__ void reduce_rows(const Tiling& t, unsigned y, float (&v)[kCount], const Merge& merge) {
  __shared__ float below[kCount][kThreads];
  unsigned half = 1;
  while (2 * half < t.height) half *= 2;
  for (; half > 0; half /= 2) {
    if (y >= half && y < 2 * half && y < t.height) {
      for (int i = 0; i < kCount; ++i) below[i][threadIdx.x] = v[i];
    }
    __syncthreads();
    if (y < half && y + half < t.height) {
      float other[kCount];
      for (int i = 0; i < kCount; ++i) other[i] = below[i][threadIdx.x + half * t.lanes];
      merge(v, other);
    }
  }
}

/// Channels of a block that adds up what the slabs left, and its threads for each of them.
inline constexpr unsigned kColumns = 8, kDepth = 32;

/// The sum over the kDepth threads of a column, in thread 0 of the column. Called twice at most, by
/// every thread, with different `kTurn`.
template <int kTurn>
__device__ double column_sum(double v) {
  __shared__ double tile[kDepth][kColumns];
  const unsigned x = threadIdx.x % kColumns, y = threadIdx.x / kColumns;
  tile[y][x] = v;
  for (unsigned half = kDepth / 2; half > 0; half /= 2) {
    __syncthreads();
    if (y < half) tile[y][x] += tile[y + half][x];
  }
  return y == 0 ? tile[0][x] : 0;
}

}  // namespace tinct::gpu::norm
