// What the kernels of kernels/conv/thin.h share: blocks of pixels, the thin tensor's tile and the
// filter in shared memory. For .cu files.
#pragma once

#include <algorithm>

#include "core/simt/pack.h"
#include "kernels/conv/thin.h"

namespace tinct::gpu {

inline constexpr int kThinThreads = 256;
inline constexpr int kStrip = 8;   ///< pixels on end that a thread owns (expand, contract)
inline constexpr int kStrips = 4;  ///< of them in a block's row

/// A block owns kStrip * kStrips x `block_rows` pixels of the side that it writes; `lanes` threads
/// share a pixel, each a chunk of the wide channels, `chunks` in all.
struct ThinGeometry {
  Axis rows, columns;
  int wide, chunks, lanes;
  int block_rows, tiles_x, tiles_y;
  // The tile of the thin tensor behind a block, in numbers; pitch leaves rows 8 banks apart.
  int tile_rows, tile_width, tile_pitch;
  Divisor by_tile_width;
  int filter;  ///< weights

  __host__ __device__ int filter_room() const { return ceil_div(filter, 4) * 4; }
  __host__ __device__ int tile_numbers() const { return tile_rows * tile_pitch; }
};

/// With chunks of `width` channels, `threads` of them to a pixel at most.
inline ThinGeometry thin_geometry(const ThinShape& s, int width, int block_rows = 0) {
  ThinGeometry g{};
  g.rows = s.rows, g.columns = s.columns;
  g.wide = static_cast<int>(s.wide);
  g.chunks = g.wide / width;
  g.lanes = 1;
  while (g.lanes < 32 && g.lanes < g.chunks) g.lanes *= 2;
  g.block_rows = block_rows > 0 ? block_rows : kThinThreads / g.lanes / kStrips;
  g.tiles_x = ceil_div(s.columns.outputs, kStrip * kStrips);
  g.tiles_y = ceil_div(s.rows.outputs, g.block_rows);
  const int thin = static_cast<int>(s.thin);
  g.tile_rows = (g.block_rows - 1) * s.rows.stride + (s.rows.taps - 1) * s.rows.delta + 1;
  g.tile_width =
      ((kStrip * kStrips - 1) * s.columns.stride + (s.columns.taps - 1) * s.columns.delta + 1) *
      thin;
  g.tile_pitch = (g.tile_width + 23) / 32 * 32 + 8;
  g.by_tile_width = Divisor(static_cast<unsigned>(g.tile_width));
  g.filter = s.rows.taps * s.columns.taps * thin * g.wide;
  return g;
}

/// The block's pixels.
struct ThinBlock {
  int image, row, column;  ///< of the first
};
__device__ inline ThinBlock thin_block(const ThinGeometry& g, int block) {
  const int line = block / g.tiles_x, image = line / g.tiles_y;
  return {image, (line - image * g.tiles_y) * g.block_rows,
          (block - line * g.tiles_x) * kStrip * kStrips};
}

/// The thin pixels that the block's outputs read, 0 outside the picture. Every thread calls it.
template <int kThin, class T>
__device__ inline void fill_tile(const ThinGeometry& g, const ThinBlock& b, const T* thin,
                                 float* tile) {
  const int y = b.row * g.rows.stride + g.rows.origin;
  const int first = (b.column * g.columns.stride + g.columns.origin) * kThin;
  const int width = g.columns.inputs * kThin;
  for (int i = static_cast<int>(threadIdx.x); i < g.tile_rows * g.tile_width; i += kThinThreads) {
    const int row = static_cast<int>(g.by_tile_width.divide(static_cast<unsigned>(i)));
    const int column = i - row * g.tile_width;
    const bool there =
        y + row >= 0 && y + row < g.rows.inputs && first + column >= 0 && first + column < width;
    tile[row * g.tile_pitch + column] =
        there
            ? load<1>(thin + (static_cast<std::size_t>(b.image) * g.rows.inputs + y + row) * width +
                      first + column)
                  .v[0]
            : 0;
  }
}

/// Where a weight lies in the arranged filter [tap][thin][wide]: chunks of kWidth wide channels are
/// cut into vectors of four, so that the lanes of a pixel read neighbours.
template <int kWidth>
__device__ inline int arranged(int row, int wide, int channel) {
  if constexpr (kWidth == 1) return row * wide + channel;
  const int chunk = channel / kWidth, part = channel % kWidth / 4;
  return row * wide + (part * (wide / kWidth) + chunk) * 4 + channel % 4;
}

template <int kWidth>
__device__ __forceinline__ Pack<kWidth> arranged_weights(const float* filter, const ThinGeometry& g,
                                                         int row, int chunk) {
  const float* from = filter + row * g.wide;
  Pack<kWidth> w;
  if constexpr (kWidth == 1) {
    w.v[0] = from[chunk];
  } else {
#pragma unroll
    for (int part = 0; part < kWidth / 4; ++part) {
      const float4 four = reinterpret_cast<const float4*>(from)[part * g.chunks + chunk];
      w.v[4 * part] = four.x, w.v[4 * part + 1] = four.y;
      w.v[4 * part + 2] = four.z, w.v[4 * part + 3] = four.w;
    }
  }
  return w;
}

/// Which tap, thin and wide channel the i-th weight of (k,taps,c) is.
struct ThinFilter {
  int c, taps, thin, wide;
  bool reversed, thin_is_input;
  __device__ void place(int i, int& row, int& channel) const {
    const int pair = i / c, in = i - pair * c, out = pair / taps;
    int tap = pair - out * taps;
    if (reversed) tap = taps - 1 - tap;
    row = tap * thin + (thin_is_input ? in : out);
    channel = thin_is_input ? out : in;
  }
};
inline ThinFilter thin_filter(const ThinShape& s) {
  const bool input = s.side == ThinSide::input;
  return {static_cast<int>(input ? s.thin : s.wide),
          s.rows.taps * s.columns.taps,
          static_cast<int>(s.thin),
          static_cast<int>(s.wide),
          s.reversed,
          input};
}

// The filter, once, in the order in which blocks read it. A thread owns weights a grid apart.
template <class T, int kWidth>
__global__ void arrange(ThinFilter f, int weights, const T* w, float* to) {
  for (int i = static_cast<int>(first_item()); i < weights; i += static_cast<int>(item_step())) {
    int row = 0, channel = 0;
    f.place(i, row, channel);
    to[arranged<kWidth>(row, f.wide, channel)] = load<1>(w + i).v[0];
  }
}

template <int kWidth, class T>
device::Array<float> arranged_filter(const ThinShape& s, const ThinGeometry& g, const T* w) {
  const ThinFilter f = thin_filter(s);
  const auto weights = static_cast<std::size_t>(g.filter);
  device::Array<float> to(weights);
  launch(over(weights), arrange<T, kWidth>, f, g.filter, w, to.data());
  return to;
}

/// Copies the arranged filter into shared memory. Every thread calls it.
template <int kWidth>
__device__ inline void copy_filter(const ThinGeometry& g, const float* from, float* to) {
  const int t = static_cast<int>(threadIdx.x);
  if constexpr (kWidth == 1) {
    for (int i = t; i < g.filter; i += kThinThreads) to[i] = from[i];
  } else {
    for (int i = t; i < g.filter / 4; i += kThinThreads) {
      reinterpret_cast<float4*>(to)[i] = reinterpret_cast<const float4*>(from)[i];
    }
  }
}

/// Calls f<kThin, 3 or 1>(): the thin channels, and how many taps a thread takes at once.
template <class F>
void with_thin(const ThinShape& s, bool three, F&& f) {
  switch (s.thin) {
    case 1:
      return three ? f.template operator()<1, 3>() : f.template operator()<1, 1>();
    case 2:
      return three ? f.template operator()<2, 3>() : f.template operator()<2, 1>();
    case 3:
      return three ? f.template operator()<3, 3>() : f.template operator()<3, 1>();
    default:
      return three ? f.template operator()<4, 3>() : f.template operator()<4, 1>();
  }
}

/// Whether a row has three taps and they lie side by side.
inline bool taps_in_a_run(const ThinShape& s) {
  return s.columns.taps == 3 && s.columns.stride == 1 && s.columns.delta == 1;
}

/// A block for each of g's, with so many floats of shared memory.
inline Launch thin_launch(const ThinShape& s, const ThinGeometry& g, int floats) {
  return {dim3(static_cast<unsigned>(g.tiles_x * g.tiles_y) * static_cast<unsigned>(s.images)),
          dim3(kThinThreads), static_cast<std::size_t>(floats) * sizeof(float)};
}

}  // namespace tinct::gpu
