// Convolution, rung 2: tiles in shared memory.
//
// A block owns 32 pixels x 32 output channels (weight gradient: 32 output channels x 32 inputs of
// taps), a thread four of them below one another; the summed axis goes by in steps of 32 terms. A
// step's tiles are read from device memory once, lanes on neighbouring numbers, and each number
// then serves 32 multiply-adds from shared memory.
//
// Bound by shared memory: 5 loads for each 4 multiply-adds, where rung 3 loads 1 for 16. FLOPs an
// output: 2 taps c; device memory, if the caches held everything, x, w and y once; through L2 a
// block pulls 4 (1/32 + 1/32) bytes a multiply-add.
#include <algorithm>

#include "core/simt/device.h"
#include "kernels/activation_device.h"
#include "kernels/conv/parts.h"
#include "kernels/conv/rungs_f32.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/walk-inl.h"

namespace tinct::gpu {
namespace {

constexpr int kTile = 32, kRows = 4, kApart = kTile / kRows, kThreads = kTile * kApart;

// Forward and data gradient. Thread (lane, warp) loads and owns rows warp + 8 i of the tile.
template <Filter kFilter>
__global__ void __launch_bounds__(kThreads)
    shared_tiles(const __grid_constant__ Correlation g, const float* x, const float* w,
                 const float* bias, Activation activation, float* y) {
  __shared__ float a[kTile][kTile];      // pixel, term
  __shared__ float b[kTile][kTile + 1];  // output channel, term; padded: lanes read a column
  const Phase& p = g.phases[blockIdx.z];
  const int lane = static_cast<int>(threadIdx.x) % kTile,
            warp = static_cast<int>(threadIdx.x) / kTile;
  const int first_n = static_cast<int>(blockIdx.y) * kTile;
  Pixel pixels[kRows];
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    pixels[i] = pixel_at(g, p, static_cast<int>(blockIdx.x) * kTile + warp + kApart * i);
  }

  float sums[kRows] = {};
  const int terms = p.rows.taps * p.columns.taps * g.c;
  for (int first = 0; first < terms; first += kTile) {
    const Term term(first + lane, g.c, p.columns.taps);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int row = warp + kApart * i;
      const int iy = pixels[i].y + term.r * p.rows.delta;
      const int ix = pixels[i].x + term.s * p.columns.delta;
      float v = 0;
      if (term.exists(p) && inside(p, iy, ix)) {
        const int from = (pixels[i].line + iy) * p.columns.inputs + ix;
        v = x[static_cast<std::size_t>(from) * g.c + term.c];
      }
      a[row][lane] = v;
      if constexpr (kFilter == Filter::along) {
        const int n = first_n + row;
        const bool there = n < g.n && term.exists(p);
        const std::size_t line = static_cast<std::size_t>(n) * g.taps + term.tap(g, p);
        b[row][lane] = there ? w[line * g.c + term.c] : 0;
      } else {
        const Term below(first + row, g.c, p.columns.taps);
        const int n = first_n + lane;
        const bool there = n < g.n && below.exists(p);
        const std::size_t line = static_cast<std::size_t>(below.c) * g.taps + below.tap(g, p);
        b[lane][row] = there ? w[line * g.n + n] : 0;
      }
    }
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < kTile; ++k) {
      const float v = b[lane][k];
#pragma unroll
      for (int i = 0; i < kRows; ++i) sums[i] += a[warp + kApart * i][k] * v;
    }
    __syncthreads();
  }

  const int n = first_n + lane;
  if (n >= g.n) return;
  const float more = bias == nullptr ? 0 : bias[n];
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    if (pixels[i].place < 0) continue;
    y[static_cast<std::size_t>(pixels[i].place) * g.n + n] = activate(activation, sums[i] + more);
  }
}

// Span blockIdx.z of the pixels, into a dw of its own.
__global__ void __launch_bounds__(kThreads)
    shared_weight_tiles(const __grid_constant__ WeightSums g, const float* x, const float* dy,
                        int span, float* dw) {
  __shared__ float a[kTile][kTile];  // pixel, output channel
  __shared__ float b[kTile][kTile];  // pixel, column of dw
  const int lane = static_cast<int>(threadIdx.x) % kTile,
            warp = static_cast<int>(threadIdx.x) / kTile;
  const int first_k = static_cast<int>(blockIdx.y) * kTile;
  const int column = static_cast<int>(blockIdx.x) * kTile + lane;
  const Tap tap(g, column);
  const int begin = static_cast<int>(blockIdx.z) * span, end = min(g.pixels, begin + span);

  float sums[kRows] = {};
  for (int first = begin; first < end; first += kTile) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int row = warp + kApart * i, pixel = first + row, k = first_k + lane;
      a[row][lane] = pixel < end && k < g.k ? dy[static_cast<std::size_t>(pixel) * g.k + k] : 0;
      const int from = pixel < end ? tap.at(g, pixel) : -1;
      b[row][lane] = from >= 0 ? x[static_cast<std::size_t>(from) * g.c + tap.c] : 0;
    }
    __syncthreads();
#pragma unroll 8
    for (int d = 0; d < kTile; ++d) {
      const float v = b[d][lane];
#pragma unroll
      for (int i = 0; i < kRows; ++i) sums[i] += a[d][warp + kApart * i] * v;
    }
    __syncthreads();
  }

  float* part = dw + blockIdx.z * (static_cast<std::size_t>(g.k) * g.columns);
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
    const int k = first_k + warp + kApart * i;
    if (k < g.k && column < g.columns)
      part[static_cast<std::size_t>(k) * g.columns + column] = sums[i];
  }
}

template <Filter kFilter>
void correlate(const Correlation& g, const float* x, const float* w, const float* bias,
               Activation activation, float* y) {
  const dim3 grid(static_cast<unsigned>(ceil_div(g.most_pixels(), kTile)),
                  static_cast<unsigned>(ceil_div(g.n, kTile)),
                  static_cast<unsigned>(g.phase_count));
  launch({grid, kThreads}, shared_tiles<kFilter>, g, x, w, bias, activation, y);
}

}  // namespace

void conv2d_shared_tiles(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                         Activation activation, float* y) {
  correlate<Filter::along>(forward_correlation(s), x, w, bias, activation, y);
}

void conv2d_backward_data_shared_tiles(const Conv2dShape& s, const float* dy, const float* w,
                                       float* dx) {
  for (const Correlation& g : backward_data_correlations(s)) {
    correlate<Filter::across>(g, dy, w, nullptr, Activation::none, dx);
  }
}

void conv2d_backward_weights_shared_tiles(const Conv2dShape& s, const float* x, const float* dy,
                                          float* dw, float* db) {
  const WeightSums g = weight_sums(s);
  // Enough blocks for a large card, and spans short enough for f32.
  constexpr int kBlocks = 1056, kSpan = 8192, kMostSpans = 256;
  const int across = ceil_div(g.columns, kTile), down = ceil_div(g.k, kTile);
  const int wanted = std::max(ceil_div(kBlocks, across * down), ceil_div(g.pixels, kSpan));
  const int most = std::clamp(std::min(wanted, g.pixels / (4 * kTile)), 1, kMostSpans);
  const int span = ceil_div(ceil_div(g.pixels, most), kTile) * kTile,
            spans = ceil_div(g.pixels, span);
  device::Array<float> parts(spans > 1 ? static_cast<std::size_t>(spans) * g.size() : 0);
  const dim3 grid(static_cast<unsigned>(across), static_cast<unsigned>(down),
                  static_cast<unsigned>(spans));
  launch({grid, kThreads}, shared_weight_tiles, g, x, dy, span, spans > 1 ? parts.data() : dw);
  if (spans > 1) {
    add_parts(g.size(), static_cast<std::size_t>(spans), parts.data(),
              static_cast<std::size_t>(g.columns), nullptr, Activation::none, dw);
  }
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

}  // namespace tinct::gpu
