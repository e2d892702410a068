// bfloat16, the same bits on every face.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace tinct {

/// The upper half of a binary32.
struct bf16 {
  std::uint16_t bits;
};

TINCT_HOST_DEVICE inline float to_float(bf16 v) {
  const std::uint32_t wide = static_cast<std::uint32_t>(v.bits) << 16;
#if defined(__CUDA_ARCH__)
  return __uint_as_float(wide);
#else
  float f;
  std::memcpy(&f, &wide, sizeof f);
  return f;
#endif
}

/// To the nearest, ties to even; NaN stays NaN.
TINCT_HOST_DEVICE inline bf16 to_bf16(float f) {
#if defined(__CUDA_ARCH__)
  const std::uint32_t wide = __float_as_uint(f);
#else
  std::uint32_t wide;
  std::memcpy(&wide, &f, sizeof wide);
#endif
  if ((wide & 0x7FFFFFFFu) > 0x7F800000u) {
    return bf16{static_cast<std::uint16_t>(wide >> 16 | 0x40u)};
  }
  return bf16{static_cast<std::uint16_t>((wide + 0x7FFFu + (wide >> 16 & 1u)) >> 16)};
}

/// Two of them as a register of mma.sync holds them: `low` in the lower half.
TINCT_HOST_DEVICE inline std::uint32_t pack(bf16 low, bf16 high) {
  return static_cast<std::uint32_t>(high.bits) << 16 | low.bits;
}

}  // namespace tinct
