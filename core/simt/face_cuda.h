// The launch header's face to nvcc: real CUDA, and launch() around <<<>>>.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/error.h"
#include "core/simt/device.h"

namespace tinct::gpu {

/// Throws OutOfMemory or DeviceError with the place of the call unless `status` is cudaSuccess.
inline void check(cudaError_t status, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next call does not report this error again
  const std::string text = std::string(cudaGetErrorName(status)) + ", " +
                           cudaGetErrorString(status) + " (" + file + ":" + std::to_string(line) +
                           ")";
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory("CUDA: " + text);
  throw DeviceError("CUDA: " + text);
}

/// Where a kernel runs. `shared_bytes` is what dynamic_shared() returns, up to 227 KiB on sm_90,
/// 163 on sm_80, 99 on sm_86 and sm_89.
struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  device::Stream* stream = nullptr;
};

/// kernel<<<...>>>(arguments...) and the check for an error.
template <class... P, class... A>
void launch(const Launch& l, void (*kernel)(P...), A... arguments) {
  if (l.shared_bytes > 0) {  // without it 48 KiB are for these and for the static arrays together
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(l.shared_bytes)));
  }
  kernel<<<l.grid, l.block, l.shared_bytes, reinterpret_cast<cudaStream_t>(l.stream)>>>(
      static_cast<P>(arguments)...);
  check(cudaGetLastError());
}

/// The launch's dynamic shared memory, 16-byte aligned; the same array from every call.
template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char tinct_dynamic_shared[];
  return reinterpret_cast<T*>(tinct_dynamic_shared);
}

}  // namespace tinct::gpu
