// The sum of squares on the GPU. Bound by memory, 4 bytes an element, on the last rung; by
// barriers, bank conflicts and idle threads before.
#include "kernels/sum_of_squares.h"

#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

__device__ double square(float v) {
  return static_cast<double>(v) * static_cast<double>(v);
}

// Eight barriers; at distance d every 2d-th thread adds, and those threads share banks.
__global__ void tree(std::size_t count, const float* x, double* partials) {
  __shared__ double sums[kSumThreads];
  const std::size_t i = first_item();
  sums[threadIdx.x] = i < count ? square(x[i]) : 0;
  for (unsigned apart = 1; apart < kSumThreads; apart *= 2) {
    __syncthreads();
    const unsigned at = 2 * apart * threadIdx.x;
    if (at < kSumThreads) sums[at] += sums[at + apart];
  }
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

__global__ void shuffle(std::size_t count, const float* x, double* partials) {
  const std::size_t i = first_item();
  const double sum = block_sum(i < count ? square(x[i]) : 0);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void vectors(std::size_t count, const float* x, double* partials) {
  double sum = 0;
  for (std::size_t i = first_item(); i < count / 4; i += item_step()) {
    const float4 v = reinterpret_cast<const float4*>(x)[i];
    sum += (square(v.x) + square(v.y)) + (square(v.z) + square(v.w));
  }
  const std::size_t last = count / 4 * 4 + first_item();
  if (last < count) sum += square(x[last]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

double run(void (*kernel)(std::size_t, const float*, double*), const Launch& grid,
           std::size_t count, const float* x) {
  device::Array<double> partials(grid.grid.x);
  launch(grid, kernel, count, x, partials.data());
  return sum_of(partials.data(), grid.grid.x);
}

Launch thread_an_element(std::size_t count) {
  return over(count, kSumThreads, 0x7FFFFFFF);
}

}  // namespace

double sum_of_squares_tree(std::size_t count, const float* x) {
  return run(tree, thread_an_element(count), count, x);
}

double sum_of_squares_shuffle(std::size_t count, const float* x) {
  return run(shuffle, thread_an_element(count), count, x);
}

double sum_of_squares(std::size_t count, const float* x) {
  return run(vectors, over(ceil_div<std::size_t>(count, 4), kSumThreads), count, x);
}

}  // namespace tinct::gpu
