// The launch header's face to g++: CUDA's words, carried out by the simulator.
#pragma once

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/simt/device.h"
#include "core/simt/runtime.h"
#include "core/simt/vectors.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
// One copy an operating-system thread, which runs one block at a time: one copy a block.
#define __shared__ static thread_local

#define threadIdx (::tinct::simt::here.thread)
#define blockIdx (::tinct::simt::here.block)
#define blockDim (::tinct::simt::here.block_dim)
#define gridDim (::tinct::simt::here.grid_dim)

// Inlined everywhere, so that a checked build and a plain one share no copy, and so that a report
// names the kernel's line.
#define TINCT_SIMT inline __attribute__((always_inline))

namespace tinct::gpu {

/// Where a kernel runs. `shared_bytes` is what dynamic_shared() returns, up to 227 KiB on sm_90,
/// 163 on sm_80, 99 on sm_86 and sm_89.
struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  device::Stream* stream = nullptr;
};

#if defined(TINCT_SIMT_CHECKED)
inline constexpr bool kChecked = true;
#else
inline constexpr bool kChecked = false;
#endif

/// kernel<<<...>>>(arguments...). Throws std::invalid_argument for a launch that CUDA would refuse,
/// and simt::KernelFault when the kernel goes wrong.
template <class... P, class... A>
void launch(const Launch& l, void (*kernel)(P...), A... arguments) {
  const auto call = [=] { kernel(static_cast<P>(arguments)...); };
  simt::Request request;
  request.grid = {l.grid.x, l.grid.y, l.grid.z};
  request.block = {l.block.x, l.block.y, l.block.z};
  request.shared_bytes = l.shared_bytes;
  request.body = [](const void* raw) { (*static_cast<const decltype(call)*>(raw))(); };
  request.parameters = &call;
  request.parameter_bytes = sizeof call;
  request.checked = kChecked;
  request.kernel = reinterpret_cast<const void*>(kernel);
  simt::run(request);
}

/// The launch's dynamic shared memory, 16-byte aligned; the same array from every call.
template <class T>
TINCT_SIMT T* dynamic_shared() {
  return static_cast<T*>(simt::here.dynamic_shared);
}

}  // namespace tinct::gpu

#include "core/simt/intrinsics.h"
