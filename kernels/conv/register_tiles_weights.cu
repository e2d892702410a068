// Convolution, rung 3, weight gradient: dw (k, taps c) is dy transposed times the pixels that each
// tap reads, summed over the output pixels.
//
// A block owns kM output channels x kN of the filter's (tap, channel), a thread 8 x 8 or 8 x 16 of
// them; it walks a span of the pixels, 16 a step, double-buffered with cp.async. Both operands lie
// with their tile's extent innermost, so both are copied as they are. The spans are fixed by the
// shape; a second launch adds their sums in order, so the bits are the same in every run.
//
// FLOPs a weight: 2 n oh ow; device memory, if the caches held everything, x, dy and dw once, and
// twice the spans' sums. Through L2 a block pulls 4 (1/kM + 1/kN) bytes a multiply-add. The
// multiply-adds bind, beside shared memory.
#include <algorithm>

#include "core/simt/device.h"
#include "kernels/conv/parts.h"
#include "kernels/conv/register_tile-inl.h"
#include "kernels/conv/rungs_f32.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/walk-inl.h"

namespace tinct::gpu {
namespace {

// Starts copying A, 16 pixels x kM channels of dy.
template <class T, int kVector>
__device__ __forceinline__ void fetch_gradient(const WeightSums& g, int first_pixel, int first,
                                               const float* dy, float* to) {
  constexpr int kChunks = T::kM / kVector, kApart = T::kThreads / kChunks;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);
  const int t = static_cast<int>(threadIdx.x), column = t % kChunks * kVector;
  const int k = first + column;
#pragma unroll
  for (int i = 0; i < T::kK / kApart; ++i) {
    const int row = t / kChunks + i * kApart, pixel = first_pixel + row;
    const bool there = pixel < g.pixels && k < g.k;
    copy_or_zero<kVector>(to + row * T::kPitchM + column,
                          there ? dy + static_cast<std::size_t>(pixel) * g.k + k : dy, there);
  }
}

// Starts copying B, 16 pixels x kN inputs that taps read there.
template <class T, int kVector>
__device__ __forceinline__ void fetch_taps(const WeightSums& g, int first_pixel, const Tap& tap,
                                           const float* x, float* to) {
  constexpr int kChunks = T::kN / kVector, kApart = T::kThreads / kChunks;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);
  const int t = static_cast<int>(threadIdx.x), column = t % kChunks * kVector;
#pragma unroll
  for (int i = 0; i < T::kK / kApart; ++i) {
    const int row = t / kChunks + i * kApart, from = tap.at(g, first_pixel + row);
    copy_or_zero<kVector>(to + row * T::kPitchN + column,
                          from >= 0 ? x + static_cast<std::size_t>(from) * g.c + tap.c : x,
                          from >= 0);
  }
}

// Span blockIdx.y of the pixels, into a dw of its own.
template <class T, int kVector>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    weight_tiles(const __grid_constant__ WeightSums g, const float* x, const float* dy,
                 int steps_each, float* dw) {
  __shared__ __align__(16) float stages[2 * T::kStage];
  const int tiles_n = ceil_div(g.columns, T::kN), tile = static_cast<int>(blockIdx.x);
  const int first_m = tile / tiles_n * T::kM, first_n = tile % tiles_n * T::kN;
  const int t = static_cast<int>(threadIdx.x);

  const Tap tap(g, first_n + t % (T::kN / kVector) * kVector);
  const int first_step = static_cast<int>(blockIdx.y) * steps_each;
  const int steps = min(steps_each, ceil_div(g.pixels, T::kK) - first_step);
  int pixel = first_step * T::kK;
  typename T::Sums sums = {};
  sum_steps<T, false, false>(steps, stages, sums, [&](float* to) {
    fetch_gradient<T, kVector>(g, pixel, first_m, dy, to);
    fetch_taps<T, kVector>(g, pixel, tap, x, to + T::kSecond);
    pixel += T::kK;
  });

  float* part = dw + blockIdx.y * (static_cast<std::size_t>(g.k) * g.columns);
#pragma unroll
  for (int i = 0; i < T::kThreadM; ++i) {
    const int k = first_m + owned<T::kAlongM>(T::down(), i);
    if (k >= g.k) continue;
#pragma unroll
    for (int j = 0; j < T::kThreadN; j += 4) {
      const int n = first_n + owned<T::kAlongN>(T::across(), j);
      float* to = part + static_cast<std::size_t>(k) * g.columns + n;
      if (g.columns % 4 == 0) {
        if (n < g.columns) {
          *reinterpret_cast<float4*>(to) =
              make_float4(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]);
        }
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          if (n + e < g.columns) to[e] = sums[i][j + e];
        }
      }
    }
  }
}

// Spans enough for two blocks on each of a large card's 132 multiprocessors, and none so long that
// its f32 sums lose digits that the sum of the spans would have kept.
constexpr int kBlocks = 264, kMostSteps = 512, kFewestSteps = 4, kMostSpans = 256;

template <class T, int kVector>
void run(const WeightSums& g, const float* x, const float* dy, float* dw) {
  const int tiles = ceil_div(g.k, T::kM) * ceil_div(g.columns, T::kN);
  const int steps = ceil_div(g.pixels, T::kK);
  const int wanted = std::max(ceil_div(kBlocks, tiles), ceil_div(steps, kMostSteps));
  const int each =
      ceil_div(steps, std::clamp(std::min(wanted, steps / kFewestSteps), 1, kMostSpans));
  const int spans = ceil_div(steps, each);
  const Launch shape{dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(spans)), T::kThreads};
  if (spans == 1) {
    launch(shape, weight_tiles<T, kVector>, g, x, dy, each, dw);
    return;
  }
  device::Array<float> parts(static_cast<std::size_t>(spans) * g.size());
  launch(shape, weight_tiles<T, kVector>, g, x, dy, each, parts.data());
  add_parts(g.size(), static_cast<std::size_t>(spans), parts.data(),
            static_cast<std::size_t>(g.columns), nullptr, Activation::none, dw);
}

template <bool kTensorCores>
void run(const Conv2dShape& s, const float* x, const float* dy, float* dw, float* db) {
  using Tile128x128 = RegisterTile<128, 128, 16, 2, kTensorCores>;
  using Tile64x128 = RegisterTile<64, 128, 8, 4, kTensorCores>;
  const WeightSums g = weight_sums(s);
  if (s.c % 4 != 0 || s.k % 4 != 0) {
    run<Tile64x128, 1>(g, x, dy, dw);
  } else if (s.k <= 64) {
    run<Tile64x128, 4>(g, x, dy, dw);
  } else {
    run<Tile128x128, 4>(g, x, dy, dw);
  }
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

}  // namespace

void conv2d_backward_weights_register_tiles(const Conv2dShape& s, const float* x, const float* dy,
                                            float* dw, float* db) {
  run<false>(s, x, dy, dw, db);
}
void conv2d_backward_weights_tf32(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                  float* db) {
  run<true>(s, x, dy, dw, db);
}

}  // namespace tinct::gpu
