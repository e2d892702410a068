// Kernels that are right.
#include "tests/simt/kernels.h"

#include "core/simt/ptx.h"
#include "core/simt/simt.h"

namespace tinct::gpu {
namespace {

__global__ void tree_sum_kernel(const float* x, float* sums) {
  __shared__ float partial[256];
  const unsigned t = threadIdx.x;
  partial[t] = x[blockIdx.x * 256 + t];
  for (unsigned half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) partial[t] += partial[t + half];
  }
  if (t == 0) sums[blockIdx.x] = partial[0];
}

__global__ void shuffle_sum_kernel(const float* x, float* sums) {
  float* warps = dynamic_shared<float>();
  const unsigned t = threadIdx.x;
  float sum = x[blockIdx.x * 256 + t];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(kFullMask, sum, offset);
  if (t % 32 == 0) warps[t / 32] = sum;
  __syncthreads();
  if (t < 8) {
    sum = warps[t];
    for (int offset = 4; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xFFu, sum, offset);
    if (t == 0) sums[blockIdx.x] = sum;
  }
}

// A block owns a 32x32 tile; its 32x8 threads move four rows each.
template <unsigned kPitch>
__global__ void transpose_kernel(unsigned m, unsigned n, const float* x, float* y) {
  __shared__ float tile[32][kPitch];
  const unsigned column = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 32 + threadIdx.y;
  for (unsigned i = 0; i < 32; i += 8) {
    tile[threadIdx.y + i][threadIdx.x] = x[(row + i) * n + column];
  }
  __syncthreads();
  const unsigned to_column = blockIdx.y * 32 + threadIdx.x, to_row = blockIdx.x * 32 + threadIdx.y;
  for (unsigned i = 0; i < 32; i += 8) {
    y[(to_row + i) * m + to_column] = tile[threadIdx.x][threadIdx.y + i];
  }
}

__global__ void warp_words_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const auto put = [&](unsigned i, unsigned value) { out[32 * i + lane] = value; };
  put(0, __shfl_sync(kFullMask, lane * lane, 5));
  put(1, __shfl_sync(kFullMask, lane, 3, 8));
  put(2, __shfl_up_sync(kFullMask, lane, 2));
  put(3, __shfl_down_sync(kFullMask, lane, 2, 16));
  put(4, __shfl_xor_sync(kFullMask, lane, 7));
  put(5, __ballot_sync(kFullMask, lane % 3 == 0));
  put(6, __any_sync(kFullMask, lane == 31));
  put(7, __all_sync(kFullMask, lane < 31));
  put(8, __match_any_sync(kFullMask, lane / 4));
  put(9, __reduce_add_sync(kFullMask, lane));
  put(10, static_cast<unsigned>(__reduce_min_sync(kFullMask, 5 - static_cast<int>(lane))));
  put(11, __reduce_max_sync(kFullMask, lane ^ 21u));
  put(12, __reduce_or_sync(kFullMask, 1u << lane / 2));
  put(13, __reduce_xor_sync(kFullMask, lane));
  const double wide = __shfl_xor_sync(kFullMask, 0.5 * lane, 1);
  put(14, static_cast<unsigned>(2 * wide));
  if (lane < 8) {
    put(15, __reduce_and_sync(0xFFu, lane | 8u));
  } else {
    put(15, __reduce_add_sync(~0xFFu, 1u));
  }
}

__global__ void tile_product_kernel(const std::uint16_t* a, const std::uint16_t* b, float* d) {
  __shared__ __align__(16) std::uint16_t a_tile[16][24];
  __shared__ __align__(16) std::uint16_t b_tile[16][8];
  const unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 256; i += 32) a_tile[i / 16][i % 16] = a[i];
  for (unsigned i = lane; i < 128; i += 32) b_tile[i / 8][i % 8] = b[i];
  __syncwarp();
  std::uint32_t fragment_a[4], fragment_b[2];
  load_matrix_x4(fragment_a, &a_tile[lane % 16][lane / 16 * 8]);
  load_matrix_x2_transposed(fragment_b, &b_tile[lane % 16][0]);
  float sum[4] = {0, 0, 0, 0};
  mma_16x8x16(sum, fragment_a, fragment_b);
  for (unsigned i = 0; i < 4; ++i) {
    d[(lane / 4 + 8 * (i / 2)) * 8 + 2 * (lane % 4) + i % 2] = sum[i];
  }
}

// A block owns 512 numbers, 128 a stage; a thread's copies are of its own four.
__global__ void double_by_async_kernel(const float* x, float* y) {
  __shared__ __align__(16) float stage[4][128];
  const unsigned t = 4 * threadIdx.x;
  const float* from = x + 512 * static_cast<std::size_t>(blockIdx.x);
  float* to = y + 512 * static_cast<std::size_t>(blockIdx.x);
  for (unsigned i = 0; i < 4; ++i) {
    async_copy_16(&stage[i][t], from + 128 * i + t);
    async_commit();
    if (i < 3) continue;
    async_wait<2>();
    __syncthreads();
    for (unsigned k = threadIdx.x; k < 256; k += 32) to[k] = 2 * stage[k / 128][k % 128];
  }
  async_wait<0>();
  __syncthreads();
  for (unsigned k = threadIdx.x; k < 256; k += 32) to[256 + k] = 2 * stage[2 + k / 128][k % 128];
}

__global__ void histogram_kernel(std::size_t count, const unsigned* x, unsigned* counts,
                                 float* total) {
  __shared__ unsigned local[16];
  if (threadIdx.x < 16) local[threadIdx.x] = 0;
  __syncthreads();
  float sum = 0;
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    atomicAdd(&local[x[i]], 1u);
    sum += static_cast<float>(x[i]);
  }
  atomicAdd(total, sum);
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

__global__ void tf32_product_kernel(const float* a, const float* b, float* d) {
  const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
  const std::uint32_t fa[4] = {to_tf32(a[8 * g + t]), to_tf32(a[8 * (g + 8) + t]),
                               to_tf32(a[8 * g + t + 4]), to_tf32(a[8 * (g + 8) + t + 4])};
  const std::uint32_t fb[2] = {to_tf32(b[8 * t + g]), to_tf32(b[8 * (t + 4) + g])};
  float sum[4] = {};
  mma_16x8x8(sum, fa, fb);
  for (unsigned i = 0; i < 4; ++i) d[8 * (g + 8 * (i / 2)) + 2 * t + i % 2] = sum[i];
}

}  // namespace

void tree_sum(unsigned blocks, const float* x, float* sums) {
  launch({blocks, 256}, tree_sum_kernel, x, sums);
}

void shuffle_sum(unsigned blocks, const float* x, float* sums) {
  launch({blocks, 256, 8 * sizeof(float)}, shuffle_sum_kernel, x, sums);
}

void transpose(unsigned m, unsigned n, const float* x, float* y, bool padded) {
  launch({dim3(n / 32, m / 32), dim3(32, 8)}, padded ? transpose_kernel<33> : transpose_kernel<32>,
         m, n, x, y);
}

void warp_words(unsigned* out) {
  launch({1, 32}, warp_words_kernel, out);
}

void tile_product(const std::uint16_t* a, const std::uint16_t* b, float* d) {
  launch({1, 32}, tile_product_kernel, a, b, d);
}

void double_by_async(unsigned count, const float* x, float* y) {
  launch({count / 512, 32}, double_by_async_kernel, x, y);
}

void histogram(std::size_t count, const unsigned* x, unsigned* counts, float* total) {
  launch(over(count, 64, 4), histogram_kernel, count, x, counts, total);
}

void tf32_product(const float* a, const float* b, float* d) {
  launch({1, 32}, tf32_product_kernel, a, b, d);
}

}  // namespace tinct::gpu
