// Sums over lanes, blocks and grids, always added in the same order. A sum over a grid takes two
// launches: each block leaves one number, and sum_of() adds those up.
#pragma once

#include "core/simt/simt.h"

namespace tinct::gpu {

/// Threads of a block that sums.
inline constexpr int kSumThreads = 256;

/// The sum over each run of `kLanes` lanes, in all of them. The whole warp calls.
template <int kLanes = 32, class T>
__device__ T lane_sum(T v) {
  for (int bit = kLanes / 2; bit > 0; bit /= 2) v += __shfl_xor_sync(kFullMask, v, bit);
  return v;
}

/// The maximum over each run of `kLanes` lanes, in all of them. The whole warp calls.
template <int kLanes = 32>
__device__ float lane_max(float v) {
  for (int bit = kLanes / 2; bit > 0; bit /= 2) v = fmaxf(v, __shfl_xor_sync(kFullMask, v, bit));
  return v;
}

/// The sum over the threads of a block of kSumThreads, in thread 0; 0 in the others. A kernel calls
/// it once.
__device__ inline double block_sum(double v) {
  __shared__ double sums[kSumThreads / 32];
  v = lane_sum(v);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = v;
  __syncthreads();
  double total = 0;
  if (threadIdx.x == 0) {
    for (int warp = 0; warp < kSumThreads / 32; ++warp) total += sums[warp];
  }
  return total;
}

/// The sum of `count` numbers in device memory.
double sum_of(const double* partials, std::size_t count);

}  // namespace tinct::gpu
