// Columns of matrices, on the GPU. Bound by memory: 8 bytes an element copied, 12 added.
#include "core/simt/simt.h"
#include "kernels/columns.h"

namespace tinct::gpu {
namespace {

constexpr unsigned kWide = 32, kHigh = 8;

// A warp walks along a row, so that loads and stores lie side by side.
template <bool kAdd>
__global__ void columns_kernel(Columns c, const float* in, float* out) {
  for (std::size_t r = std::size_t{blockIdx.x} * kHigh + threadIdx.y; r < c.rows;
       r += std::size_t{gridDim.x} * kHigh) {
    const float* from = in + r * c.in_wide + c.from;
    float* to = out + r * c.out_wide + c.to;
    for (std::size_t i = threadIdx.x; i < c.count; i += kWide) {
      to[i] = kAdd ? to[i] + from[i] : from[i];
    }
  }
}

Launch grid_of(const Columns& c) {
  return {over(c.rows, kHigh).grid, dim3(kWide, kHigh)};
}

}  // namespace

void copy_columns(const Columns& c, const float* in, float* out) {
  if (c.rows * c.count > 0) launch(grid_of(c), columns_kernel<false>, c, in, out);
}

void add_columns(const Columns& c, const float* in, float* out) {
  if (c.rows * c.count > 0) launch(grid_of(c), columns_kernel<true>, c, in, out);
}

}  // namespace tinct::gpu
