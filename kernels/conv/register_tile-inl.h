// A block's product of two f32 tiles: which sums a thread owns, how the tiles lie in shared memory,
// and the double-buffered walk along the summed axis. For .cu files.
#pragma once

#include "core/simt/ptx.h"

namespace tinct::gpu {

/// A block computes kM x kN sums, a thread 8 x kThreadN of them, kK terms a step. Lanes of a warp
/// are 4 down and 8 across. For four terms a thread loads 8 + kThreadN times 16 bytes and does 32
/// kThreadN multiply-adds: in cycles of a multiprocessor 4 (8 + kThreadN) against 8 kThreadN a
/// warp, so 8 x 8 asks of shared memory all it has and 8 x 16 three quarters.
template <int kM_, int kN_, int kThreadN_, int kBlocks_>
struct RegisterTile {
  static constexpr int kM = kM_, kN = kN_, kK = 16;
  static constexpr int kThreadM = 8, kThreadN = kThreadN_;
  static constexpr int kAlongM = kM / kThreadM, kAlongN = kN / kThreadN;  ///< threads
  static constexpr int kThreads = kAlongM * kAlongN;
  static constexpr int kBlocks = kBlocks_;       ///< of a multiprocessor, by registers
  static constexpr int kStage = (kM + kN) * kK;  ///< floats of one step: A's tile, then B's
  static_assert(kAlongM % 4 == 0 && kAlongN % 8 == 0 && kThreads <= 256);
  using Sums = float[kThreadM][kThreadN];

  /// This thread's place among those that share the rows, and the columns.
  static __device__ int down() {
    const int t = static_cast<int>(threadIdx.x);
    return t / 32 / (kAlongN / 8) * 4 + t % 32 / 8;
  }
  static __device__ int across() {
    const int t = static_cast<int>(threadIdx.x);
    return t / 32 % (kAlongN / 8) * 8 + t % 8;
  }
};

/// A thread's rows (or columns) come in fours, so that it stores vectors: its i-th, where kAlong
/// threads share them.
template <int kAlong>
__device__ constexpr int owned(int thread, int i) {
  return i / 4 * 4 * kAlong + 4 * thread + i % 4;
}

/// An operand whose terms are innermost in device memory lies in shared memory with 16 terms a
/// row. Rows change places: place p holds the row owned(p % kAlong, p / kAlong), so that the same
/// terms of neighbouring threads' rows are neighbours; chunks of four terms are turned so that
/// eight such, and the chunks of two rows, each lie in all 32 banks.
template <int kAlong>
__device__ constexpr int row_at(int place) {
  return owned<kAlong>(place % kAlong, place / kAlong);
}
__device__ constexpr int deep(int place, int term) {
  return place * 16 + ((term / 4) ^ (place / 2 % 4)) * 4 + term % 4;
}

/// The terms 4q to 4q+3 of the thread's rows. kDeep: the tile has 16 terms a row, else kRows
/// numbers for each of 16 terms.
template <bool kDeep, int kAlong, int kCount>
__device__ __forceinline__ void load_rows(const float* tile, int thread, int q,
                                          float (&to)[kCount][4]) {
  if constexpr (kDeep) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const float4 v = *reinterpret_cast<const float4*>(tile + deep(i * kAlong + thread, 4 * q));
      to[i][0] = v.x, to[i][1] = v.y, to[i][2] = v.z, to[i][3] = v.w;
    }
  } else {
#pragma unroll
    for (int d = 0; d < 4; ++d) {
#pragma unroll
      for (int i = 0; i < kCount; i += 4) {
        const float4 v = *reinterpret_cast<const float4*>(tile + (4 * q + d) * kAlong * kCount +
                                                          owned<kAlong>(thread, i));
        to[i][d] = v.x, to[i + 1][d] = v.y, to[i + 2][d] = v.z, to[i + 3][d] = v.w;
      }
    }
  }
}

/// sums += A B of one step.
template <class T, bool kDeepA, bool kDeepB>
__device__ __forceinline__ void multiply(const float* a, const float* b, int down, int across,
                                         typename T::Sums& sums) {
  // Not unrolled: the loads of the next four terms would move up and spill the sums.
#pragma unroll 1
  for (int q = 0; q < T::kK / 4; ++q) {
    float rows[T::kThreadM][4];
    load_rows<kDeepA, T::kAlongM>(a, down, q, rows);
    if constexpr (kDeepB) {
#pragma unroll
      for (int j = 0; j < T::kThreadN; ++j) {
        const float4 v = *reinterpret_cast<const float4*>(b + deep(j * T::kAlongN + across, 4 * q));
#pragma unroll
        for (int i = 0; i < T::kThreadM; ++i) {
          sums[i][j] += rows[i][0] * v.x;
          sums[i][j] += rows[i][1] * v.y;
          sums[i][j] += rows[i][2] * v.z;
          sums[i][j] += rows[i][3] * v.w;
        }
      }
    } else {
#pragma unroll
      for (int d = 0; d < 4; ++d) {
#pragma unroll
        for (int j = 0; j < T::kThreadN; j += 4) {
          const float4 v = *reinterpret_cast<const float4*>(b + (4 * q + d) * T::kN +
                                                            owned<T::kAlongN>(across, j));
#pragma unroll
          for (int i = 0; i < T::kThreadM; ++i) {
            sums[i][j] += rows[i][d] * v.x;
            sums[i][j + 1] += rows[i][d] * v.y;
            sums[i][j + 2] += rows[i][d] * v.z;
            sums[i][j + 3] += rows[i][d] * v.w;
          }
        }
      }
    }
  }
}

/// kVector (4 or 1) floats on their way into shared memory, or zeros.
template <int kVector>
__device__ __forceinline__ void copy_or_zero(float* shared, const float* global, bool there) {
  if constexpr (kVector == 4) {
    async_copy_16(shared, global, there ? 16 : 0);
  } else {
    async_copy_4(shared, global, there ? 4 : 0);
  }
}

/// The whole sum: fetch(stage) starts the copies of the next step; they arrive while this one is
/// multiplied. One barrier a step: when all have passed it, this step's copies are there and nobody
/// reads the other stage any more.
template <class T, bool kDeepA, bool kDeepB, class Fetch>
__device__ __forceinline__ void sum_steps(int steps, float* stages, typename T::Sums& sums,
                                          Fetch&& fetch) {
  const int down = T::down(), across = T::across();
  if (steps > 0) fetch(stages);
  async_commit();
  for (int step = 0; step < steps; ++step) {
    async_wait<0>();
    __syncthreads();
    if (step + 1 < steps) fetch(stages + (step + 1) % 2 * T::kStage);
    async_commit();
    const float* a = stages + step % 2 * T::kStage;
    multiply<T, kDeepA, kDeepB>(a, a + T::kM * T::kK, down, across, sums);
  }
}

}  // namespace tinct::gpu
