// Matrix products on the GPU. Bound by shared memory: a thread's 4x4 sums take 8 reads for 16
// multiply-adds. m n k multiply-adds; a is read n/64 times, b m/64 times.
#include "kernels/gemm.h"

#include "core/simt/simt.h"
#ifdef TINCT_WITH_CUBLAS
#include "kernels/vendor/cublas.h"
#endif

namespace tinct::gpu {
namespace {

constexpr int kTile = 64, kDepth = 16, kSide = 16, kThreads = kSide * kSide, kEach = kTile / kSide;
constexpr int kRow = kTile + 2;  // of a tile: lanes that store a column of it meet no bank twice

// Fetches kTile rows of the operand, from `row` on, and kDepth of the summed index, from `k` on,
// into tile[k][row]; zeros outside. Lanes run along memory: the summed index, or the rows if the
// operand is `across`, that is, stored (summed, rows).
template <bool kAcross>
__device__ void fetch(const float* from, std::size_t rows, std::size_t depth, std::size_t row,
                      std::size_t k, float (&tile)[kDepth][kRow]) {
  for (int e = static_cast<int>(threadIdx.x); e < kTile * kDepth; e += kThreads) {
    const int i = kAcross ? e % kTile : e / kDepth, j = kAcross ? e / kTile : e % kDepth;
    const std::size_t r = row + i, d = k + j;
    const std::size_t at = kAcross ? d * rows + r : r * depth + d;
    tile[j][i] = r < rows && d < depth ? from[at] : 0.0f;
  }
}

// A block owns a 64x64 tile of c, a thread sixteen of its elements, 16 apart both ways.
template <bool kTransposeA, bool kTransposeB>
__global__ void multiply(std::size_t m, std::size_t n, std::size_t depth, const float* a,
                         const float* b, float* c) {
  __shared__ float tile_a[kDepth][kRow], tile_b[kDepth][kRow];
  const std::size_t row = blockIdx.y * std::size_t{kTile}, column = blockIdx.x * std::size_t{kTile};
  const int y = static_cast<int>(threadIdx.x) / kSide, x = static_cast<int>(threadIdx.x) % kSide;
  float sum[kEach][kEach] = {};
  for (std::size_t k = 0; k < depth; k += kDepth) {
    fetch<kTransposeA>(a, m, depth, row, k, tile_a);
    fetch<!kTransposeB>(b, n, depth, column, k, tile_b);
    __syncthreads();
    for (int d = 0; d < kDepth; ++d) {
      float left[kEach], right[kEach];
      for (int i = 0; i < kEach; ++i) left[i] = tile_a[d][y + i * kSide];
      for (int j = 0; j < kEach; ++j) right[j] = tile_b[d][x + j * kSide];
      for (int i = 0; i < kEach; ++i) {
        for (int j = 0; j < kEach; ++j) sum[i][j] += left[i] * right[j];
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) {
      const std::size_t r = row + y + i * kSide, s = column + x + j * kSide;
      if (r < m && s < n) c[r * n + s] = sum[i][j];
    }
  }
}

}  // namespace

void gemm_tiled(const GemmShape& s, const float* a, const float* b, float* c) {
  if (s.m == 0 || s.n == 0) return;
  const auto kernel = s.transpose_a   ? s.transpose_b ? multiply<true, true> : multiply<true, false>
                        : s.transpose_b ? multiply<false, true>
                                      : multiply<false, false>;
  const std::size_t tile = kTile;
  launch(
      {dim3(static_cast<unsigned>(ceil_div(s.n, tile)), static_cast<unsigned>(ceil_div(s.m, tile))),
       dim3(kThreads)},
      kernel, s.m, s.n, s.k, a, b, c);
}

void gemm(const GemmShape& s, const float* a, const float* b, float* c) {
#ifdef TINCT_WITH_CUBLAS
  if (s.m != 0 && s.n != 0 && s.k != 0 && vendor::cublas_problem().empty()) {
    return vendor::cublas_gemm(s, a, b, c);
  }
#endif
  gemm_tiled(s, a, b, c);
}

}  // namespace tinct::gpu
