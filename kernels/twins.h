// One operation on either device: its functions of tinct::cpu and tinct::gpu have one signature.
#pragma once

#include "core/device.h"

namespace tinct {

/// Throws DeviceError: "max_pool has no GPU kernel in this build".
[[noreturn]] void no_gpu_kernel(const char* operation);

}  // namespace tinct

/// cpu::OPERATION or gpu::OPERATION, by the device: TINCT_ON(x.device(), max_pool)(s, x.f32(), …).
/// A macro, because each name stands for a set of overloads. In a build without a GPU backend
/// gpu::OPERATION is not there to be linked, and the call throws DeviceError.
#ifdef TINCT_WITH_GPU
#define TINCT_ON(where, operation)                                                    \
  [on_device = (where)](auto&&... arguments) {                                        \
    return on_device == ::tinct::Device::cpu ? ::tinct::cpu::operation(arguments...)  \
                                             : ::tinct::gpu::operation(arguments...); \
  }
#else
#define TINCT_ON(where, operation) TINCT_ON_CPU(where, operation)
#endif

/// The same for an operation that has no GPU kernel yet: on the device the call throws DeviceError.
#define TINCT_ON_CPU(where, operation)                                         \
  [on_device = (where)](auto&&... arguments) {                                 \
    if (on_device != ::tinct::Device::cpu) ::tinct::no_gpu_kernel(#operation); \
    return ::tinct::cpu::operation(arguments...);                              \
  }
