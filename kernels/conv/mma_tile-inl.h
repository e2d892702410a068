// A block's product of two bf16 tiles on tensor cores: how the tiles lie in shared memory, which
// warp owns what, and one step along the summed axis. For .cu files.
#pragma once

#include "core/simt/ptx.h"

namespace tinct::gpu {

/// A block of kWarpsM x kWarpsN warps computes kM x kN sums, each warp kWarpM x kWarpN of them, 32
/// terms a step, with tiles for kStages steps in shared memory.
template <int kM_, int kN_, int kWarpsM_, int kWarpsN_>
struct MmaTile {
  static constexpr int kM = kM_, kN = kN_, kK = 32, kStages = 3;
  static constexpr int kWarpsM = kWarpsM_, kWarpsN = kWarpsN_;
  static constexpr int kThreads = 32 * kWarpsM * kWarpsN;
  static constexpr int kBlocks = kThreads == 256 ? 2 : 3;  ///< that share a multiprocessor
  static constexpr int kWarpM = kM / kWarpsM, kWarpN = kN / kWarpsN;
  static constexpr int kStage = (kM + kN) * kK;  ///< bf16 of one step: A's tile, then B's
  static constexpr std::size_t kBytes = kStages * kStage * sizeof(bf16);
  static_assert(kWarpM % 16 == 0 && kWarpN % 16 == 0);
  using Sums = float[kWarpM / 16][kWarpN / 8][4];
};

/// Where chunk `chunk` (8 bf16, 16 bytes) of row `row` begins in a tile with kChunks chunks a row.
/// Turned so that a chunk of 8 rows on end (what ldmatrix reads) and 8 chunks on end (what copies
/// write) each lie in all 32 banks.
template <int kChunks>
__device__ inline int at(int row, int chunk) {
  static_assert(kChunks == 4 || kChunks % 8 == 0);
  const int turn = kChunks == 4 ? row / 2 % 4 : row % 8;
  return (row * kChunks + (chunk ^ turn)) * 8;
}

/// sums += A B of one step for this thread's warp, whose first row and column are given. A's tile
/// is kM rows of 32 terms or, transposed, 32 rows of kM; B's kN rows of 32 or, transposed, 32 of
/// kN.
template <class T, bool kATransposed, bool kBTransposed>
__device__ inline void multiply(const bf16* a, const bf16* b, int warp_m, int warp_n,
                                typename T::Sums& sums) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
#pragma unroll
  for (int k = 0; k < T::kK; k += 16) {
    std::uint32_t fa[T::kWarpM / 16][4], fb[T::kWarpN / 8][2];
#pragma unroll
    for (int i = 0; i < T::kWarpM / 16; ++i) {
      const int m = warp_m + 16 * i;
      if constexpr (kATransposed) {
        load_matrix_x4_transposed(
            fa[i], a + at<T::kM / 8>(k + lane % 8 + lane / 16 * 8, m / 8 + lane / 8 % 2));
      } else {
        load_matrix_x4(fa[i], a + at<T::kK / 8>(m + lane % 16, k / 8 + lane / 16));
      }
    }
#pragma unroll
    for (int j = 0; j < T::kWarpN / 8; j += 2) {
      const int n = warp_n + 8 * j;
      std::uint32_t two[4];
      if constexpr (kBTransposed) {
        load_matrix_x4_transposed(two, b + at<T::kN / 8>(k + lane % 16, n / 8 + lane / 16));
      } else {
        load_matrix_x4(two, b + at<T::kK / 8>(n + lane % 8 + lane / 16 * 8, k / 8 + lane / 8 % 2));
      }
      fb[j][0] = two[0], fb[j][1] = two[1];
      fb[j + 1][0] = two[2], fb[j + 1][1] = two[3];
    }
#pragma unroll
    for (int i = 0; i < T::kWarpM / 16; ++i) {
#pragma unroll
      for (int j = 0; j < T::kWarpN / 8; ++j) mma_16x8x16(sums[i][j], fa[i], fb[j]);
    }
  }
}

/// The pipeline: fetch(step, stage) starts the copies of a step into a stage; they arrive while
/// earlier steps are multiplied. Every thread calls it; afterwards shared memory is free.
template <class T, bool kATransposed, bool kBTransposed, class Fetch>
__device__ inline void multiply_all(int steps, bf16* shared, int warp_m, int warp_n,
                                    typename T::Sums& sums, Fetch&& fetch) {
#pragma unroll
  for (int stage = 0; stage < T::kStages - 1; ++stage) {
    if (stage < steps) fetch(stage, shared + stage * T::kStage);
    async_commit();
  }
  int stage = 0, next = T::kStages - 1;
  for (int step = 0; step < steps; ++step) {
    async_wait<T::kStages - 2>();
    // The others' copies have arrived too, and nobody reads the stage that is filled next.
    __syncthreads();
    if (step + T::kStages - 1 < steps) fetch(step + T::kStages - 1, shared + next * T::kStage);
    async_commit();
    const bf16* a = shared + stage * T::kStage;
    multiply<T, kATransposed, kBTransposed>(a, a + T::kM * T::kK, warp_m, warp_n, sums);
    stage = stage + 1 == T::kStages ? 0 : stage + 1;
    next = next + 1 == T::kStages ? 0 : next + 1;
  }
  async_wait<0>();
  __syncthreads();
}

}  // namespace tinct::gpu
