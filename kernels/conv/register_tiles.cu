// Convolution, rung 3, forward and data gradient: implicit GEMM with tiles in registers.
//
// A block owns kM pixels x kN output channels, a thread 8 x 16, 8 x 8 or 8 x 4 of them; the summed
// axis is (tap, channel), 16 terms a step. What the rung below reads from shared memory for each
// multiply-add, a thread here reads once for 8 or 16: 16 loads of 16 bytes for 256 multiply-adds,
// or 24 for 512. Copies are cp.async, 16 bytes each, and arrive while the step before is
// multiplied; what lies in the padding arrives as zeros. A thread copies the same four terms of
// several pixels and walks the taps by adding. Channels that are no multiple of four go number by
// number.
//
// The data gradient is the same walk over dy with the filter read across. With a stride, its
// outputs fall into phases that the same taps reach; blockIdx.z is one. Few output tiles with long
// sums: blocks share a sum (blockIdx.y is the part) and a second launch adds the parts in order.
//
// An output costs 2 taps c FLOPs; device memory, if the caches held everything, x, w and y once.
// Through L2 a block pulls 4 (1/kM + 1/kN) bytes a multiply-add: at 128 x 128 and 60 TFLOP/s 1.9
// TB/s of an H200's 5.5. The multiply-adds bind; at 8 x 8 sums a thread shared memory is as busy as
// they are, at 8 x 16 three quarters.
//
// The tf32 kernels are the same walk; tensor cores multiply, in 11 bits.
#include "kernels/conv/register_tiles.h"

#include <algorithm>

#include "core/simt/device.h"
#include "kernels/activation.h"
#include "kernels/activation_device.h"
#include "kernels/conv/parts.h"
#include "kernels/conv/register_tile-inl.h"
#include "kernels/conv/rungs_f32.h"
#include "kernels/conv/walk-inl.h"

namespace tinct::gpu {
namespace {

// Starts copying A, kM pixels x 16 terms; term is the first that this thread copies.
template <class T, int kVector>
__device__ __forceinline__ void fetch_pixels(const Correlation& g, const Phase& p, const Term& term,
                                             const Pixel* pixels, const float* x, float* to) {
  constexpr int kChunks = T::kK / kVector, kApart = T::kThreads / kChunks;
  const int t = static_cast<int>(threadIdx.x), chunk = t % kChunks;
  const int below = term.r * p.rows.delta, right = term.s * p.columns.delta;
#pragma unroll
  for (int i = 0; i < T::kM / kApart; ++i) {
    const int place = t / kChunks + i * kApart;
    const Pixel pixel = pixels[place];
    const int iy = pixel.y + below, ix = pixel.x + right;
    const bool there = term.exists(p) && inside(p, iy, ix);
    const int from = there ? (pixel.line + iy) * p.columns.inputs + ix : 0;
    copy_or_zero<kVector>(to + deep(place, kVector * chunk),
                          there ? x + static_cast<std::size_t>(from) * g.c + term.c : x, there);
  }
}

// Starts copying B, kN output channels x 16 terms of a filter along (n,taps,c).
template <class T, int kVector>
__device__ __forceinline__ void fetch_along(const Correlation& g, const Phase& p, const Term& term,
                                            int first, const float* w, float* to) {
  constexpr int kChunks = T::kK / kVector, kApart = T::kThreads / kChunks;
  const int t = static_cast<int>(threadIdx.x), chunk = t % kChunks;
  const int tap = term.tap(g, p);
#pragma unroll
  for (int i = 0; i < T::kN / kApart; ++i) {
    const int place = t / kChunks + i * kApart, n = first + row_at<T::kAlongN>(place);
    const bool there = n < g.n && term.exists(p);
    copy_or_zero<kVector>(
        to + deep(place, kVector * chunk),
        there ? w + (static_cast<std::size_t>(n) * g.taps + tap) * g.c + term.c : w, there);
  }
}

// Starts copying B, 16 terms x kN output channels of a filter across (c,taps,n).
template <class T, int kVector>
__device__ __forceinline__ void fetch_across(const Correlation& g, const Phase& p, Term term,
                                             int first, const float* w, float* to) {
  constexpr int kChunks = T::kN / kVector, kApart = T::kThreads / kChunks;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);
  const int t = static_cast<int>(threadIdx.x), column = t % kChunks * kVector;
  const int n = first + column;
#pragma unroll
  for (int i = 0; i < T::kK / kApart; ++i) {
    const bool there = n < g.n && term.exists(p);
    copy_or_zero<kVector>(
        to + (t / kChunks + i * kApart) * T::kPitchN + column,
        there ? w + (static_cast<std::size_t>(term.c) * g.taps + term.tap(g, p)) * g.n + n : w,
        there);
    term.advance(kApart, g.c, p.columns.taps);
  }
}

// y = bend(sums + bias), in vectors where rows of y are aligned.
template <class T>
__device__ __forceinline__ void store_sums(const Correlation& g, const Pixel* pixels, int first,
                                           const typename T::Sums& sums, const float* bias,
                                           float slope, float* y) {
#pragma unroll
  for (int j = 0; j < T::kThreadN; j += 4) {
    const int n = first + owned<T::kAlongN>(T::across(), j);
    float more[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) more[e] = bias != nullptr && n + e < g.n ? bias[n + e] : 0;
#pragma unroll
    for (int i = 0; i < T::kThreadM; ++i) {
      const int place = pixels[T::place(i)].place;
      if (place < 0 || n >= g.n) continue;
      float* to = y + static_cast<std::size_t>(place) * g.n + n;
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) v[e] = bend(sums[i][j + e] + more[e], slope);
      if (g.n % 4 == 0) {
        *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          if (n + e < g.n) to[e] = v[e];
        }
      }
    }
  }
}

// A block does `steps_each` steps of 16 terms from blockIdx.y * steps_each on, into a y of its own.
template <class T, int kVector, Filter kFilter>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    register_tiles(const __grid_constant__ Correlation g, const float* x, const float* w,
                   const float* bias, float slope, int steps_each, std::size_t y_size, float* y) {
  __shared__ __align__(16) float stages[2 * T::kStage];
  __shared__ Pixel pixels[T::kM];
  const Phase& p = g.phases[blockIdx.z];
  // Blocks of the same pixels run side by side: the second finds them in L2.
  const int tiles_n = ceil_div(g.n, T::kN), tile = static_cast<int>(blockIdx.x);
  const int first_m = tile / tiles_n * T::kM, first_n = tile % tiles_n * T::kN;
  if (first_m >= g.images * p.rows.outputs * p.columns.outputs) return;
  for (int i = static_cast<int>(threadIdx.x); i < T::kM; i += T::kThreads) {
    pixels[i] = pixel_at(g, p, first_m + row_at<T::kAlongM>(i));
  }
  __syncthreads();

  const int t = static_cast<int>(threadIdx.x);
  const int first_step = static_cast<int>(blockIdx.y) * steps_each;
  const int all_steps = ceil_div(p.rows.taps * p.columns.taps * g.c, T::kK);
  const int steps = min(steps_each, all_steps - first_step);
  typename T::Sums sums = {};
  Term term(first_step * T::kK + t % (T::kK / kVector) * kVector, g.c, p.columns.taps);
  if constexpr (kFilter == Filter::along) {
    sum_steps<T, true, true>(steps, stages, sums, [&](float* to) {
      fetch_pixels<T, kVector>(g, p, term, pixels, x, to);
      fetch_along<T, kVector>(g, p, term, first_n, w, to + T::kSecond);
      term.advance(T::kK, g.c, p.columns.taps);
    });
  } else {
    Term row(first_step * T::kK + t / (T::kN / kVector), g.c, p.columns.taps);
    sum_steps<T, true, false>(steps, stages, sums, [&](float* to) {
      fetch_pixels<T, kVector>(g, p, term, pixels, x, to);
      fetch_across<T, kVector>(g, p, row, first_n, w, to + T::kSecond);
      term.advance(T::kK, g.c, p.columns.taps);
      row.advance(T::kK, g.c, p.columns.taps);
    });
  }
  store_sums<T>(g, pixels, first_n, sums, bias, slope, y + blockIdx.y * y_size);
}

// Blocks that keep a large card's 132 multiprocessors busy, twice over.
constexpr int kFewBlocks = 132, kBlocks = 264;
constexpr int kFewestSteps = 8, kMostParts = 16;

struct Call {
  const float* x;
  const float* w;
  const float* bias;
  Activation activation;
  float* y;
};

int blocks_of(std::span<const Correlation> all, int m, int n) {
  int blocks = 0;
  for (const Correlation& g : all) {
    blocks += ceil_div(g.most_pixels(), m) * ceil_div(g.n, n) * g.phase_count;
  }
  return blocks;
}

template <class T, int kVector, Filter kFilter>
void run(std::span<const Correlation> all, const Call& call) {
  int steps = 0;
  for (const Correlation& g : all) steps = std::max(steps, ceil_div(g.terms(), T::kK));
  const int blocks = blocks_of(all, T::kM, T::kN);
  int parts = 1;
  if (blocks < kFewBlocks) {
    parts = std::clamp(std::min(kBlocks / blocks, steps / kFewestSteps), 1, kMostParts);
  }
  const int steps_each = std::max(1, ceil_div(steps, parts));
  const std::size_t y_size = all[0].y_size();
  device::Array<float> sums(parts > 1 ? parts * y_size : 0);
  for (const Correlation& g : all) {
    const int tiles = ceil_div(g.most_pixels(), T::kM) * ceil_div(g.n, T::kN);
    const Launch shape{dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(parts),
                            static_cast<unsigned>(g.phase_count)),
                       T::kThreads};
    launch(shape, register_tiles<T, kVector, kFilter>, g, call.x, call.w,
           parts > 1 ? nullptr : call.bias, parts > 1 ? 1.0f : slope_of(call.activation),
           steps_each, y_size, parts > 1 ? sums.data() : call.y);
  }
  if (parts > 1) {
    add_parts(y_size, static_cast<std::size_t>(parts), sums.data(),
              static_cast<std::size_t>(all[0].n), call.bias, call.activation, call.y);
  } else if (!is_straight(call.activation)) {
    gpu::activation(call.activation, y_size, call.y, call.y);
  }
}

// The largest tile that still gives each multiprocessor a block.
RegisterTiles choose(std::span<const Correlation> all) {
  const int n = all[0].n;
  if (n <= 32) return RegisterTiles::m128n32;
  if (n > 64 && blocks_of(all, 128, 128) >= kFewBlocks) return RegisterTiles::m128n128;
  return blocks_of(all, 128, 64) >= kFewBlocks ? RegisterTiles::m128n64 : RegisterTiles::m64n64;
}

template <Filter kFilter, bool kTensorCores>
void run(std::span<const Correlation> all, RegisterTiles tiles, const Call& call) {
  using Tile128x64 = RegisterTile<128, 64, 8, 3, kTensorCores>;
  if (all[0].c % 4 != 0 || (kFilter == Filter::across && all[0].n % 4 != 0)) {
    return run<Tile128x64, 1, kFilter>(all, call);
  }
  switch (tiles == RegisterTiles::automatic ? choose(all) : tiles) {
    case RegisterTiles::m128n128:
      return run<RegisterTile<128, 128, 16, 2, kTensorCores>, 4, kFilter>(all, call);
    case RegisterTiles::m128n64:
      return run<Tile128x64, 4, kFilter>(all, call);
    case RegisterTiles::m128n32:
      return run<RegisterTile<128, 32, 4, 4, kTensorCores>, 4, kFilter>(all, call);
    default:
      return run<RegisterTile<64, 64, 8, 6, kTensorCores>, 4, kFilter>(all, call);
  }
}

template <bool kTensorCores>
void run(std::span<const Correlation> all, Filter filter, RegisterTiles tiles, const Call& call) {
  if (filter == Filter::along) return run<Filter::along, kTensorCores>(all, tiles, call);
  run<Filter::across, kTensorCores>(all, tiles, call);
}

}  // namespace

void correlate_register_tiles(std::span<const Correlation> all, Filter filter, const float* x,
                              const float* w, const float* bias, Activation activation, float* y,
                              RegisterTiles tiles) {
  run<false>(all, filter, tiles, {x, w, bias, activation, y});
}
void correlate_tf32(std::span<const Correlation> all, Filter filter, const float* x, const float* w,
                    const float* bias, Activation activation, float* y, RegisterTiles tiles) {
  run<true>(all, filter, tiles, {x, w, bias, activation, y});
}

void conv2d_register_tiles(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                           Activation activation, float* y) {
  const Correlation all[] = {forward_correlation(s)};
  correlate_register_tiles(all, Filter::along, x, w, bias, activation, y);
}
void conv2d_tf32(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                 Activation activation, float* y) {
  const Correlation all[] = {forward_correlation(s)};
  correlate_tf32(all, Filter::along, x, w, bias, activation, y);
}

void conv2d_backward_data_register_tiles(const Conv2dShape& s, const float* dy, const float* w,
                                         float* dx) {
  correlate_register_tiles(backward_data_correlations(s), Filter::across, dy, w, nullptr,
                           Activation::none, dx);
}
void conv2d_backward_data_tf32(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  correlate_tf32(backward_data_correlations(s), Filter::across, dy, w, nullptr, Activation::none,
                 dx);
}

}  // namespace tinct::gpu
