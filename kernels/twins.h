// One operation on either device: its functions of tinct::cpu and tinct::gpu have one signature.
#pragma once

#include "core/device.h"

namespace tinct {

/// Throws DeviceError: "max_pool has no GPU kernel in this build".
[[noreturn]] void no_gpu_kernel(const char* operation);
/// Throws DeviceError: "max_pool has no bf16 kernel on the CPU".
[[noreturn]] void no_bf16_kernel(const char* operation);

}  // namespace tinct

/// Calls cpu::OPERATION or gpu::OPERATION, by the device: TINCT_ON(x.device(), max_pool, s, …). A
/// macro, because each name stands for a set of overloads, and because in a build without a GPU
/// backend gpu::OPERATION is not there to be linked: then the call throws DeviceError.
#ifdef TINCT_WITH_GPU
#define TINCT_ON(device, operation, ...)                                   \
  ((device) == ::tinct::Device::cpu ? ::tinct::cpu::operation(__VA_ARGS__) \
                                    : ::tinct::gpu::operation(__VA_ARGS__))
#else
#define TINCT_ON(device, operation, ...) TINCT_ON_CPU(device, operation, __VA_ARGS__)
#endif

/// The same for an operation that has no GPU kernel: on the device the call throws DeviceError.
#define TINCT_ON_CPU(device, operation, ...)                                                     \
  ((device) == ::tinct::Device::cpu ? static_cast<void>(0) : ::tinct::no_gpu_kernel(#operation), \
   ::tinct::cpu::operation(__VA_ARGS__))
