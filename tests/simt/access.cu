// Kernels to count; the lines that tests look at say so.
#include "tests/simt/access.h"

#include "core/simt/simt.h"

namespace tinct::gpu {
namespace {

__global__ void global_stride_kernel(unsigned stride, const float* x, float* y) {
  y[threadIdx.x] = x[stride * threadIdx.x];
}

__global__ void global_vectors_kernel(const float4* x, float4* y) {
  y[threadIdx.x] = x[threadIdx.x];
}

__global__ void shared_stride_kernel(unsigned stride, const float* x, float* y) {
  __shared__ float tile[1024];
  for (unsigned i = threadIdx.x; i < 1024; i += 32) tile[i] = x[i];
  __syncwarp();
  y[threadIdx.x] = tile[stride * threadIdx.x];
}

__global__ void shared_vectors_kernel(unsigned apart, const float* x, float* y) {
  __shared__ __align__(16) float tile[1024];
  for (unsigned i = threadIdx.x; i < 1024; i += 32) tile[i] = x[i];
  __syncwarp();
  const float2 two = reinterpret_cast<const float2*>(tile)[threadIdx.x];
  const float4 four = *reinterpret_cast<const float4*>(tile + apart * threadIdx.x);
  y[threadIdx.x] = two.x + two.y + four.x + four.y + four.z + four.w;
}

__global__ void atomics_kernel(unsigned different, unsigned* words) {
  __shared__ unsigned local[32];
  local[threadIdx.x] = 0;
  __syncwarp();
  atomicAdd(&local[threadIdx.x % different], 1u);
  atomicAdd(&words[threadIdx.x % different], 1u);
}

__global__ void ragged_loop_kernel(const float* x, float* y) {
  float sum = 0;
  for (unsigned i = 0; i < threadIdx.x; ++i) sum += x[i];
  y[threadIdx.x] = sum;
}

}  // namespace

void global_stride(unsigned stride, const float* x, float* y) {
  launch({1, 32}, global_stride_kernel, stride, x, y);
}

void global_vectors(const float* x, float* y) {
  launch({1, 32}, global_vectors_kernel, reinterpret_cast<const float4*>(x),
         reinterpret_cast<float4*>(y));
}

void shared_stride(unsigned stride, const float* x, float* y) {
  launch({1, 32}, shared_stride_kernel, stride, x, y);
}

void shared_vectors(unsigned apart, const float* x, float* y) {
  launch({1, 32}, shared_vectors_kernel, apart, x, y);
}

void atomics(unsigned different, unsigned* words) {
  launch({1, 32}, atomics_kernel, different, words);
}

void ragged_loop(const float* x, float* y) {
  launch({1, 32}, ragged_loop_kernel, x, y);
}

}  // namespace tinct::gpu
