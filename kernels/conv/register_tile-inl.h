// A block's product of two f32 tiles: which sums a thread owns, how the tiles lie in shared memory,
// and the double-buffered walk along the summed axis. For .cu files.
#pragma once

#include "core/simt/ptx.h"

namespace tinct::gpu {

/// A block computes kM x kN sums, a thread 8 x kThreadN of them, kK terms a step. Lanes of a warp
/// are 4 down and 8 across. For four terms a thread loads 8 + kThreadN times 16 bytes and does 32
/// kThreadN multiply-adds: in cycles of a multiprocessor 4 (8 + kThreadN) against 8 kThreadN a
/// warp, so 8 x 8 asks of shared memory all it has and 8 x 16 three quarters.
///
/// On tensor cores (tf32) a warp's sums are the same 8 x 4 threads' and its lanes stand in them as
/// mma.sync has them; the tiles' rows of one term are 8 floats longer, so that four of them lie in
/// all banks.
template <int kM_, int kN_, int kThreadN_, int kBlocks_, bool kTensorCores_ = false>
struct RegisterTile {
  static constexpr bool kTensorCores = kTensorCores_;
  static constexpr int kM = kM_, kN = kN_, kK = 16;
  static constexpr int kThreadM = 8, kThreadN = kThreadN_;
  static constexpr int kAlongM = kM / kThreadM, kAlongN = kN / kThreadN;  ///< threads
  static constexpr int kThreads = kAlongM * kAlongN;
  static constexpr int kBlocks = kBlocks_;  ///< of a multiprocessor, by registers
  static constexpr int kPitchM = kM + (kTensorCores ? 8 : 0);  ///< of a tile that is not deep
  static constexpr int kPitchN = kN + (kTensorCores ? 8 : 0);
  static constexpr int kSecond = kPitchM * kK;           ///< where B's tile begins
  static constexpr int kStage = kSecond + kPitchN * kK;  ///< floats of one step: A's tile, then B's
  static_assert(kAlongM % 4 == 0 && kAlongN % 8 == 0 && kThreads <= 256);
  using Sums = float[kThreadM][kThreadN];

  /// This thread's place among those that share the rows, and the columns.
  static __device__ int down() {
    const int t = static_cast<int>(threadIdx.x);
    return t / 32 / (kAlongN / 8) * 4 + (kTensorCores ? t % 4 : t % 32 / 8);
  }
  static __device__ int across() {
    const int t = static_cast<int>(threadIdx.x);
    return t / 32 % (kAlongN / 8) * 8 + (kTensorCores ? t % 32 / 4 : t % 8);
  }
  /// The place in A's deep tile of this thread's i-th row.
  static __device__ int place(int i) {
    return kTensorCores ? i / 2 * 2 * kAlongM + 2 * down() + i % 2 : i * kAlongM + down();
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

/// The same on tensor cores: mma.sync's rows are the block's columns, its columns the block's rows,
/// so that a lane's four sums are 2 x 2 of its own. For eight terms a warp loads what it multiplies
/// once: 8 + kThreadN numbers a lane and half, for kThreadN products of 1024 multiply-adds.
template <class T, bool kDeepA, bool kDeepB>
__device__ __forceinline__ void multiply_tf32(const float* a, const float* b,
                                              typename T::Sums& sums) {
  const int lane = static_cast<int>(threadIdx.x % 32), g = lane / 4, t = lane % 4;
  const int down = T::down() - t, across = T::across();
#pragma unroll
  for (int k = t; k < T::kK; k += 8) {
    std::uint32_t rows[T::kThreadM / 2][2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int term = k + 4 * half;
#pragma unroll
      for (int i = 0; i < T::kThreadM; i += 4) {
        if constexpr (kDeepA) {
          const float* from = a + deep(i * T::kAlongM + 2 * down + g, term);
          rows[i / 2][half] = to_tf32(from[0]);
          rows[i / 2 + 1][half] = to_tf32(from[2 * T::kAlongM * 16]);
        } else {
          const float4 v = *reinterpret_cast<const float4*>(a + term * T::kPitchM +
                                                            owned<T::kAlongM>(down + g / 2, i));
          rows[i / 2][half] = to_tf32(g % 2 == 0 ? v.x : v.y);
          rows[i / 2 + 1][half] = to_tf32(g % 2 == 0 ? v.z : v.w);
        }
      }
    }
#pragma unroll
    for (int j = 0; j < T::kThreadN; j += 4) {
      std::uint32_t columns[2][4];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int term = k + 4 * half;
        float v[4];
        if constexpr (kDeepB) {
#pragma unroll
          for (int e = 0; e < 4; ++e) v[e] = b[deep((j + e) * T::kAlongN + across, term)];
        } else {
          const float4 four = *reinterpret_cast<const float4*>(b + term * T::kPitchN +
                                                               owned<T::kAlongN>(across, j));
          v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
        }
#pragma unroll
        for (int e = 0; e < 4; ++e) columns[e / 2][2 * half + e % 2] = to_tf32(v[e]);
      }
#pragma unroll
      for (int c = 0; c < 4; c += 2) {
#pragma unroll
        for (int i = 0; i < T::kThreadM; i += 2) {
          float d[4] = {sums[i][j + c], sums[i + 1][j + c], sums[i][j + c + 1],
                        sums[i + 1][j + c + 1]};
          mma_16x8x8(d, columns[c / 2], rows[i / 2]);
          sums[i][j + c] = d[0], sums[i + 1][j + c] = d[1];
          sums[i][j + c + 1] = d[2], sums[i + 1][j + c + 1] = d[3];
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
  [[maybe_unused]] const int down = T::down(), across = T::across();
  if (steps > 0) fetch(stages);
  async_commit();
  for (int step = 0; step < steps; ++step) {
    async_wait<0>();
    __syncthreads();
    if (step + 1 < steps) fetch(stages + (step + 1) % 2 * T::kStage);
    async_commit();
    const float* a = stages + step % 2 * T::kStage;
    if constexpr (T::kTensorCores) {
      multiply_tf32<T, kDeepA, kDeepB>(a, a + T::kSecond, sums);
    } else {
      multiply<T, kDeepA, kDeepB>(a, a + T::kSecond, down, across, sums);
    }
  }
}

}  // namespace tinct::gpu
