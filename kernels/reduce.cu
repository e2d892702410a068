// The second half of a sum over a grid: one block adds up what the blocks left. Bound by latency.
#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

// A thread adds every kSumThreads-th number.
__global__ void add_partials(std::size_t count, const double* partials, double* total) {
  double sum = 0;
  for (std::size_t i = threadIdx.x; i < count; i += kSumThreads) sum += partials[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = sum;
}

}  // namespace

double sum_of(const double* partials, std::size_t count) {
  device::Array<double> total(1);
  launch({dim3(1), dim3(kSumThreads)}, add_partials, count, partials, total.data());
  double sum = 0;
  total.to_host(&sum);
  return sum;
}

}  // namespace tinct::gpu
