// Thin channels from wide ones: few outputs forward, the data gradient of the first layer.
//
// A block owns 32 pixels x 2 to 64 rows of the thin tensor, the lanes of a group 8 pixels on end, a
// lane 16 bytes of the wide channels (1 channel where they do not divide). A vector is loaded once
// for the three taps of a row; the weights lie in shared memory. The lanes add up by shuffles and
// leave their pixels in shared memory, from where the block stores them as they lie in the tensor.
//
// Bound by the loads of the wide tensor, 4 (bf16: 2) bytes a number and once for the rows of taps a
// block has; 2 taps thin FLOPs each.
#include "kernels/activation_device.h"
#include "kernels/conv/thin_tile-inl.h"

namespace tinct::gpu {
namespace {

template <int kThin>
__host__ __device__ constexpr int staged_pitch() {
  return kStrip * kStrips * kThin + 8;
}

// Stores the block's pixels, in the tensor's order.
template <int kThin, class T>
__device__ inline void store_block(const ThinGeometry& g, const ThinBlock& b, const float* staged,
                                   const float* bias, Activation activation, T* thin) {
  constexpr int kRow = kStrip * kStrips * kThin;
  const int width = (g.columns.outputs - b.column) * kThin;
  for (int i = static_cast<int>(threadIdx.x); i < g.block_rows * kRow; i += kThinThreads) {
    const int row = i / kRow, e = i % kRow, y = b.row + row;
    if (y >= g.rows.outputs || e >= width) continue;
    const float add = bias == nullptr ? 0 : bias[e % kThin];
    const Pack<1> out = {{activate(activation, staged[row * staged_pitch<kThin>() + e] + add)}};
    store(thin +
              ((static_cast<std::size_t>(b.image) * g.rows.outputs + y) * g.columns.outputs +
               b.column) *
                  kThin +
              e,
          out);
  }
}

template <class T, int kWidth, int kThin, int kRun>
__global__ void __launch_bounds__(kThinThreads, 1)
    contract_kernel(ThinGeometry g, const T* wide, const float* filter, const float* bias,
                    Activation activation, T* thin) {
  auto* weights = dynamic_shared<float>();
  float* staged = weights + g.filter_room();
  const ThinBlock b = thin_block(g, static_cast<int>(blockIdx.x));
  copy_filter<kWidth>(g, filter, weights);
  __syncthreads();

  const int t = static_cast<int>(threadIdx.x), lane = t % g.lanes, group = t / g.lanes;
  const int row = group % g.block_rows, strip = group / g.block_rows * kStrip;
  const int first_y = (b.row + row) * g.rows.stride + g.rows.origin;
  const int first_x = (b.column + strip) * g.columns.stride + g.columns.origin;
  float sum[kStrip * kThin] = {};
  for (int chunk = lane; chunk < g.chunks; chunk += g.lanes) {
    for (int r = 0; r < g.rows.taps; ++r) {
      const int y = first_y + r * g.rows.delta;
      if (y < 0 || y >= g.rows.inputs) continue;
      const T* line =
          wide +
          (static_cast<std::size_t>(b.image) * g.rows.inputs + y) * g.columns.inputs * g.wide +
          chunk * kWidth;
      for (int s0 = 0; s0 < g.columns.taps; s0 += kRun) {
        Pack<kWidth> w[kRun][kThin];
#pragma unroll
        for (int s = 0; s < kRun; ++s) {
#pragma unroll
          for (int f = 0; f < kThin; ++f) {
            w[s][f] = arranged_weights<kWidth>(weights, g,
                                               (r * g.columns.taps + s0 + s) * kThin + f, chunk);
          }
        }
#pragma unroll
        for (int j = 0; j < kStrip + kRun - 1; ++j) {
          const int x = first_x + j * g.columns.stride + s0 * g.columns.delta;
          if (x < 0 || x >= g.columns.inputs) continue;
          const Pack<kWidth> v = load<kWidth>(line + static_cast<std::size_t>(x) * g.wide);
#pragma unroll
          for (int s = 0; s < kRun; ++s) {
            const int p = j - s;
            if (p < 0 || p >= kStrip) continue;
#pragma unroll
            for (int f = 0; f < kThin; ++f) {
#pragma unroll
              for (int e = 0; e < kWidth; ++e) sum[p * kThin + f] += v.v[e] * w[s][f].v[e];
            }
          }
        }
      }
    }
  }
  for (int apart = g.lanes / 2; apart > 0; apart /= 2) {
#pragma unroll
    for (int i = 0; i < kStrip * kThin; ++i) {
      sum[i] += __shfl_xor_sync(kFullMask, sum[i], apart);
    }
  }
  float* to = staged + row * staged_pitch<kThin>() + strip * kThin;
#pragma unroll
  for (int i = 0; i < kStrip * kThin; ++i) {
    if (i % g.lanes == lane) to[i] = sum[i];
  }
  __syncthreads();
  store_block<kThin>(g, b, staged, bias, activation, thin);
}

}  // namespace

template <class T>
void contract(const ThinShape& s, const T* wide, const T* w, const float* bias,
              Activation activation, T* thin) {
  with_width<T>(s.wide, [&]<int kWidth>() {
    const ThinGeometry g = thin_geometry(s, kWidth);
    const auto filter = arranged_filter<kWidth>(s, g, w);
    with_thin(s, taps_in_a_run(s), [&]<int kThin, int kRun>() {
      launch(thin_launch(s, g, g.filter_room() + g.block_rows * staged_pitch<kThin>()),
             contract_kernel<T, kWidth, kThin, kRun>, g, wide, filter.data(), bias, activation,
             thin);
    });
  });
}

template void contract(const ThinShape&, const float*, const float*, const float*, Activation,
                       float*);
template void contract(const ThinShape&, const bf16*, const bf16*, const float*, Activation, bf16*);

}  // namespace tinct::gpu
