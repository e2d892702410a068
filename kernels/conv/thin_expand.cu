// Wide channels from thin ones: the first layer forward, the data gradient of few outputs.
//
// A block owns 32 pixels x 2 to 64 rows of the wide tensor, a thread 8 pixels on end x 16 bytes of
// channels (1 channel where they do not divide). The filter and the tile of the thin tensor behind
// the block lie in shared memory; a row of the tile is read once into registers for its three taps.
// Lanes are neighbouring channels: the tile's reads are one address for the lanes of a pixel, the
// filter's and the stores whole vectors side by side.
//
// Bound by the stores where the thin channels are 1 or 2, by multiply-adds at 3 and 4: 2 taps thin
// FLOPs an output, its 4 (bf16: 2) bytes written once, the thin tensor read little more than once.
#include "kernels/activation_device.h"
#include "kernels/conv/thin_tile-inl.h"

namespace tinct::gpu {
namespace {

// That share a multiprocessor: two where 128 registers are enough.
__host__ __device__ constexpr int blocks(int width, int thin) {
  return width * thin > 16 ? 1 : 2;
}

template <class T, int kWidth, int kThin, int kRun>
__global__ void __launch_bounds__(kThinThreads, blocks(kWidth, kThin))
    expand_kernel(ThinGeometry g, const T* thin, const float* filter, const float* bias,
                  Activation activation, T* wide) {
  auto* weights = dynamic_shared<float>();
  float* tile = weights + g.filter_room();
  const ThinBlock b = thin_block(g, static_cast<int>(blockIdx.x));
  copy_filter<kWidth>(g, filter, weights);
  fill_tile<kThin>(g, b, thin, tile);
  __syncthreads();

  const int t = static_cast<int>(threadIdx.x), lane = t % g.lanes, group = t / g.lanes;
  const int row = group % g.block_rows, strip = group / g.block_rows * kStrip;
  const int y = b.row + row, x = b.column + strip;
  if (y >= g.rows.outputs) return;
  for (int chunk = lane; chunk < g.chunks; chunk += g.lanes) {
    float sum[kStrip][kWidth] = {};
    for (int r = 0; r < g.rows.taps; ++r) {
      const float* line = tile + (row * g.rows.stride + r * g.rows.delta) * g.tile_pitch +
                          strip * g.columns.stride * kThin;
      for (int s0 = 0; s0 < g.columns.taps; s0 += kRun) {
        float v[(kStrip + kRun - 1) * kThin];
#pragma unroll
        for (int j = 0; j < kStrip + kRun - 1; ++j) {
          const float* from = line + (j * g.columns.stride + s0 * g.columns.delta) * kThin;
#pragma unroll
          for (int f = 0; f < kThin; ++f) v[j * kThin + f] = from[f];
        }
#pragma unroll
        for (int s = 0; s < kRun; ++s) {
#pragma unroll
          for (int f = 0; f < kThin; ++f) {
            const Pack<kWidth> w = arranged_weights<kWidth>(
                weights, g, (r * g.columns.taps + s0 + s) * kThin + f, chunk);
#pragma unroll
            for (int p = 0; p < kStrip; ++p) {
#pragma unroll
              for (int e = 0; e < kWidth; ++e) sum[p][e] += v[(p + s) * kThin + f] * w.v[e];
            }
          }
        }
      }
    }
    Pack<kWidth> add{};
    if (bias != nullptr) {
      constexpr int kVector = kWidth < 4 ? kWidth : 4;
#pragma unroll
      for (int part = 0; part < kWidth / kVector; ++part) {
        const Pack<kVector> some = load<kVector>(bias + chunk * kWidth + part * kVector);
#pragma unroll
        for (int e = 0; e < kVector; ++e) add.v[part * kVector + e] = some.v[e];
      }
    }
    T* to = wide +
            ((static_cast<std::size_t>(b.image) * g.rows.outputs + y) * g.columns.outputs + x) *
                g.wide +
            chunk * kWidth;
    with_kind(activation, [&]<Activation kKind>() {
#pragma unroll
      for (int p = 0; p < kStrip; ++p) {
        Pack<kWidth> out;
#pragma unroll
        for (int e = 0; e < kWidth; ++e) out.v[e] = activate<kKind>(sum[p][e] + add.v[e]);
        if (x + p < g.columns.outputs) store(to + static_cast<std::size_t>(p) * g.wide, out);
      }
    });
  }
}

}  // namespace

template <class T>
void expand(const ThinShape& s, const T* thin, const T* w, const float* bias, Activation activation,
            T* wide) {
  with_width<T>(s.wide, [&]<int kWidth>() {
    const ThinGeometry g = thin_geometry(s, kWidth);
    const auto filter = arranged_filter<kWidth>(s, g, w);
    with_thin(s, taps_in_a_run(s), [&]<int kThin, int kRun>() {
      launch(thin_launch(s, g, g.filter_room() + g.tile_numbers()),
             expand_kernel<T, kWidth, kThin, kRun>, g, thin, filter.data(), bias, activation, wide);
    });
  });
}

template void expand(const ThinShape&, const float*, const float*, const float*, Activation,
                     float*);
template void expand(const ThinShape&, const bf16*, const bf16*, const float*, Activation, bf16*);

}  // namespace tinct::gpu
