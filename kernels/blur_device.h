// Separable blurs of tiles in shared memory, for kernels of 256 threads: 32 along a row, 8 rows.
#pragma once

#include <vector>

#include "core/simt/simt.h"
#include "kernels/gaussian_blur.h"

namespace tinct::gpu::blur {

inline constexpr int kAcross = 32, kDown = 8, kThreads = kAcross * kDown;

/// Weights as kernels take them, those of several blurs one after the other.
struct Taps {
  static constexpr int kMost = 96;
  float weight[kMost];
};

/// The pixel that position i shows of an axis under Border::symmetric.
__device__ inline int mirrored(int i, int extent) {
  if (i >= 0 && i < extent) return i;
  const int period = 2 * extent, folded = (i % period + period) % period;
  return folded < extent ? folded : period - 1 - folded;
}

/// A picture of a batch, its border, and the tile's first pixel.
struct Picture {
  std::size_t offset;  ///< of its first number in the batch
  int h, w;
  bool zero;  ///< Border::zero
  int y, x;

  __device__ bool has(int row, int column) const {
    return row >= 0 && row < h && column >= 0 && column < w;
  }
};

/// Numbers in shared memory: rows of `width` (pixels times channels).
struct Tile {
  float* data;
  int rows, width;

  __device__ float* row(int i) const { return data + i * width; }
};

/// Calls f(row, column) for all of rows x width, spread over the block.
template <class F>
__device__ void for_each(int rows, int width, const F& f) {
  const int across = static_cast<int>(threadIdx.x) % kAcross;
  for (int i = static_cast<int>(threadIdx.x) / kAcross; i < rows; i += kDown) {
    for (int j = across; j < width; j += kAcross) f(i, j);
  }
}

/// Fills the tile, which begins `margin` pixels above and left of p's, with value(offset of the
/// element in the batch); what lies outside is mirrored or 0. Lane 0 stands at the sector that a
/// row begins in, so that requests are whole sectors whatever the margin.
template <int kChannels, class F>
__device__ void fill(const Picture& p, int margin, const Tile& tile, const F& value) {
  constexpr unsigned kSectorFloats = 8;
  const int lane = static_cast<int>(threadIdx.x) % kAcross;
  for (int i = static_cast<int>(threadIdx.x) / kAcross; i < tile.rows; i += kDown) {
    const int y = p.y - margin + i;
    const std::size_t row = p.offset + static_cast<std::size_t>(mirrored(y, p.h)) * p.w * kChannels;
    const unsigned lead =
        (static_cast<unsigned>(row) + static_cast<unsigned>((p.x - margin) * kChannels)) %
        kSectorFloats;
    for (int first = -static_cast<int>(lead); first < tile.width; first += kAcross) {
      const int j = first + lane;
      if (j >= 0 && j < tile.width) {
        const int x = p.x - margin + j / kChannels;
        const float v = value(row + mirrored(x, p.w) * kChannels + j % kChannels);
        tile.row(i)[j] = p.zero && !p.has(y, x) ? 0 : v;
      }
      __syncwarp();  // the warp goes on together, lanes without an element too
    }
  }
}

/// to(i, j) = the sum of weight[k] from(i, j + (k + skip) channels), skip where `from` has a wider
/// margin than these taps need.
template <int kChannels>
__device__ void along(const float* weight, int taps, int skip, const Tile& from, const Tile& to) {
  for_each(to.rows, to.width, [&](int i, int j) {
    const float* const x = from.row(i) + j + skip * kChannels;
    float sum = 0;
    for (int k = 0; k < taps; ++k) sum += weight[k] * x[k * kChannels];
    to.row(i)[j] = sum;
  });
}

/// Calls f(first row, column) for strips of kStrip rows, spread over the block.
template <int kStrip, class F>
__device__ void for_each_strip(int rows, int width, const F& f) {
  const int across = static_cast<int>(threadIdx.x) % kAcross;
  const int first = static_cast<int>(threadIdx.x) / kAcross * kStrip;
  for (int i = first; i < rows; i += kDown * kStrip) {
    for (int j = across; j < width; j += kAcross) f(i, j);
  }
}

/// sum[s] = the sum of weight[k] from(i + s + k + skip, j): a strip of rows shares its reads,
/// taps / kStrip + 1 of each instead of taps.
template <int kStrip>
__device__ void down(const float* weight, int taps, int skip, const Tile& from, int i, int j,
                     float (&sum)[kStrip]) {
  for (int s = 0; s < kStrip; ++s) sum[s] = 0;
  for (int k = 0; k < taps + kStrip - 1; ++k) {
    const int row = i + k + skip;
    const float v = row < from.rows ? from.row(row)[j] : 0;
    for (int s = 0; s < kStrip; ++s) {
      if (k >= s && k - s < taps) sum[s] += weight[k - s] * v;
    }
  }
}

/// Pixels of a tile: as wide as two warps of numbers or a little less, whole sectors.
inline constexpr int kTileRows = 32;
__host__ __device__ constexpr int tile_columns(int channels) {
  return channels == 1 ? 64 : channels == 2 ? 32 : 16;
}

/// f.operator()<kChannels>() for 1 to 4 channels.
template <class F>
void with_channels(std::size_t c, F&& f) {
  if (c == 1) return f.template operator()<1>();
  if (c == 2) return f.template operator()<2>();
  if (c == 3) return f.template operator()<3>();
  f.template operator()<4>();
}

/// A block a tile; z counts pictures.
inline dim3 tiles(const Shape& s) {
  const std::size_t columns = static_cast<std::size_t>(tile_columns(static_cast<int>(s.c)));
  return dim3(static_cast<unsigned>(ceil_div(s.w, columns)),
              static_cast<unsigned>(ceil_div(s.h, std::size_t{kTileRows})),
              static_cast<unsigned>(s.n));
}

}  // namespace tinct::gpu::blur
