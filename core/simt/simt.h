// One header for kernels, two faces: nvcc for real cards, or g++ and the SIMT simulator.
//
// Included by .cu files alone. A kernel written against it uses CUDA's own words (__global__,
// threadIdx, __shared__, __syncthreads, __shfl_xor_sync, float4 ...) with three differences:
//   launch({grid, block, bytes}, kernel, arguments...)   in place of kernel<<<>>>(arguments...)
//   dynamic_shared<T>()                                  in place of extern __shared__ T name[]
//   the functions of core/simt/ptx.h                     in place of inline PTX
// core/simt/README.md is the guide.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#include "core/simt/face_cuda.h"
#else
#include "core/simt/face_simulator.h"
#endif

#include "core/simt/bf16.h"

namespace tinct::gpu {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kFullMask = 0xFFFFFFFFu;

/// The blocks of `each` that cover `count`; also used on the device.
template <class T>
__host__ __device__ constexpr T ceil_div(T count, T each) {
  return (count + each - 1) / each;
}

/// A grid of at most `most` blocks of `block` threads for `count` independent items, for kernels
/// that stride over the grid. At least one block.
inline Launch over(std::size_t count, unsigned block = 256, unsigned most = 132 * 16) {
  const std::size_t blocks = ceil_div<std::size_t>(count, block);
  return {dim3(blocks < 1      ? 1u
               : blocks < most ? static_cast<unsigned>(blocks)
                               : most),
          dim3(block)};
}

/// This thread's first item and its step, for kernels launched with over().
__device__ inline std::size_t first_item() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::size_t item_step() {
  return static_cast<std::size_t>(gridDim.x) * blockDim.x;
}

}  // namespace tinct::gpu
