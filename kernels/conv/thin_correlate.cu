// Weight gradients between a thin and a wide tensor: the first layer's, that of few outputs.
//
// A block takes tiles of 32 x 4 pixels of the wide tensor, a grid apart; a lane owns 4 channels (1
// where they do not divide) of every 16th or so pixel, loads them once and multiplies them with the
// 1 or 9 thin pixels that the taps pair them with, from a tile in shared memory. The sums stay in
// registers over all tiles; then lanes of a warp add up by shuffles, warps one after another in
// shared memory, and blocks in a second launch: a fixed order.
//
// Bound by the loads of the wide tensor, 4 (bf16: 2) bytes a number, once (with taps other than
// 3x3: once a tap); 2 taps thin FLOPs each.
#include <algorithm>

#include "kernels/conv/sums.h"
#include "kernels/conv/thin_tile-inl.h"

namespace tinct::gpu {
namespace {

constexpr int kRows = 4;  // of a tile
constexpr int kMostBlocks = 264;

// parts (gridDim.x, taps, thin, wide); blockIdx.y is a block of kTaps x kTaps taps, z of channels.
template <class T, int kWidth, int kThin, int kTaps>
__global__ void __launch_bounds__(kThinThreads, 1)
    correlate_kernel(ThinGeometry g, int tiles, const T* thin, const T* wide, float* parts) {
  auto* tile = dynamic_shared<float>();
  constexpr int kSums = kTaps * kTaps * kThin;
  const int t = static_cast<int>(threadIdx.x), lane = t % g.lanes;
  const int chunk = static_cast<int>(blockIdx.z) * g.lanes + lane;
  const int first_tap = static_cast<int>(blockIdx.y);  // with kTaps 3, 0
  const int down = first_tap / g.columns.taps * g.rows.delta;
  const int right = first_tap % g.columns.taps * g.columns.delta;

  float sum[kSums][kWidth] = {};
  for (int i = static_cast<int>(blockIdx.x); i < tiles; i += static_cast<int>(gridDim.x)) {
    const ThinBlock b = thin_block(g, i);
    fill_tile<kThin>(g, b, thin, tile);
    __syncthreads();
    for (int p = t / g.lanes; p < kRows * kStrip * kStrips; p += kThinThreads / g.lanes) {
      const int row = p / (kStrip * kStrips), column = p % (kStrip * kStrips);
      const int y = b.row + row, x = b.column + column;
      if (y >= g.rows.outputs || x >= g.columns.outputs || chunk >= g.chunks) continue;
      const Pack<kWidth> v = load<kWidth>(
          wide +
          ((static_cast<std::size_t>(b.image) * g.rows.outputs + y) * g.columns.outputs + x) *
              g.wide +
          chunk * kWidth);
      const float* from = tile + (row * g.rows.stride + down) * g.tile_pitch +
                          (column * g.columns.stride + right) * kThin;
#pragma unroll
      for (int r = 0; r < kTaps; ++r) {
#pragma unroll
        for (int s = 0; s < kTaps; ++s) {
#pragma unroll
          for (int f = 0; f < kThin; ++f) {
            const float u = from[r * g.rows.delta * g.tile_pitch + s * g.columns.delta * kThin + f];
#pragma unroll
            for (int e = 0; e < kWidth; ++e) sum[(r * kTaps + s) * kThin + f][e] += u * v.v[e];
          }
        }
      }
    }
    __syncthreads();
  }

  for (int apart = g.lanes; apart < static_cast<int>(kWarp); apart *= 2) {
#pragma unroll
    for (int i = 0; i < kSums; ++i) {
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        sum[i][e] += __shfl_xor_sync(kFullMask, sum[i][e], apart);
      }
    }
  }
  // The table [sum][channel of the block] takes the tile's place.
  const int channels = g.lanes * kWidth;
  for (int warp = 0; warp < kThinThreads / static_cast<int>(kWarp); ++warp) {
    if (t / static_cast<int>(kWarp) == warp && t % static_cast<int>(kWarp) < g.lanes) {
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
        float* to = tile + i * channels + lane * kWidth;
        Pack<kWidth> all;
#pragma unroll
        for (int e = 0; e < kWidth; ++e) all.v[e] = sum[i][e];
        if (warp > 0) {
          const Pack<kWidth> before = load<kWidth>(to);
#pragma unroll
          for (int e = 0; e < kWidth; ++e) all.v[e] += before.v[e];
        }
        store(to, all);
      }
    }
    __syncthreads();
  }
  const int first_channel = static_cast<int>(blockIdx.z) * channels;
  float* part = parts + (static_cast<std::size_t>(blockIdx.x) * g.filter +
                         static_cast<std::size_t>(first_tap) * kThin * g.wide);
  for (int i = t; i < kSums * channels; i += kThinThreads) {
    const int row = i / channels, channel = first_channel + i % channels;
    if (channel < g.wide) part[row * g.wide + channel] = tile[i];
  }
}

// dw (k,taps,c) from sums [tap][thin][wide]. A thread owns weights a grid apart.
__global__ void restore(ThinFilter f, int weights, const float* sums, float* dw) {
  for (int i = static_cast<int>(first_item()); i < weights; i += static_cast<int>(item_step())) {
    int row = 0, channel = 0;
    f.place(i, row, channel);
    dw[i] = sums[row * f.wide + channel];
  }
}

template <class T, int kWidth>
void run(const ThinShape& s, const T* thin, const T* wide, float* dw) {
  const ThinGeometry g = thin_geometry(s, kWidth, kRows);
  const int tiles = g.tiles_x * g.tiles_y * static_cast<int>(s.images);
  const int blocks = std::min(tiles, kMostBlocks);
  const auto weights = static_cast<std::size_t>(g.filter);
  device::Array<float> parts(static_cast<std::size_t>(blocks) * weights), sums(weights);
  const bool nine = s.rows.taps == 3 && s.columns.taps == 3;
  with_thin(s, nine, [&]<int kThin, int kTaps>() {
    const int table = kTaps * kTaps * kThin * g.lanes * kWidth;
    const unsigned taps = kTaps == 3 ? 1 : static_cast<unsigned>(s.rows.taps * s.columns.taps);
    const Launch l{dim3(static_cast<unsigned>(blocks), taps,
                        static_cast<unsigned>(ceil_div(g.chunks, g.lanes))),
                   dim3(kThinThreads),
                   static_cast<std::size_t>(std::max(table, g.tile_numbers())) * sizeof(float)};
    launch(l, correlate_kernel<T, kWidth, kThin, kTaps>, g, tiles, thin, wide, parts.data());
  });
  sum_rows(static_cast<std::size_t>(blocks), weights, parts.data(), sums.data());
  launch(over(weights), restore, thin_filter(s), g.filter, sums.data(), dw);
}

}  // namespace

template <class T>
void correlate_thin(const ThinShape& s, const T* thin, const T* wide, float* dw) {
  if (s.wide % 4 == 0) {
    run<T, 4>(s, thin, wide, dw);
  } else {
    run<T, 1>(s, thin, wide, dw);
  }
}

template void correlate_thin(const ThinShape&, const float*, const float*, float*);
template void correlate_thin(const ThinShape&, const bf16*, const bf16*, float*);

}  // namespace tinct::gpu
