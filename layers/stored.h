// One operation on maps stored as f32, on either device, or as bf16, on the device alone.
#pragma once

#include "core/tensor.h"
#include "kernels/twins.h"

/// Calls cpu::OPERATION or gpu::OPERATION for maps of that DType; in the arguments, Stored names
/// what they are stored as: TINCT_ON_STORED(device, x.dtype(), scale, n, 2, x.as<Stored>(), …).
/// Throws DeviceError for bf16 on the host, where no kernel has it.
#ifdef TINCT_WITH_GPU
#define TINCT_ON_STORED(device, type, operation, ...)                            \
  do {                                                                           \
    if ((type) == ::tinct::DType::bf16) {                                        \
      using Stored = ::tinct::bf16;                                              \
      if ((device) == ::tinct::Device::cpu) ::tinct::no_bf16_kernel(#operation); \
      ::tinct::gpu::operation(__VA_ARGS__);                                      \
    } else {                                                                     \
      using Stored = float;                                                      \
      TINCT_ON(device, operation, __VA_ARGS__);                                  \
    }                                                                            \
  } while (false)
#else
#define TINCT_ON_STORED(device, type, operation, ...)                        \
  do {                                                                       \
    using Stored = float;                                                    \
    if ((type) == ::tinct::DType::bf16) ::tinct::no_bf16_kernel(#operation); \
    TINCT_ON(device, operation, __VA_ARGS__);                                \
  } while (false)
#endif
