// When an output goes past the caches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {

/// Outputs of this many bytes and more are written with non-temporal stores: they would not survive
/// in the caches until the next operation reads them, and an ordinary store first reads the line
/// that it overwrites, half as much traffic again for a copy.
inline constexpr std::size_t kStreamBytes = std::size_t{4} << 20;

/// Whether to write `count` floats at y so. Non-temporal stores must be aligned; `run` is the
/// number of floats after which a kernel's vectors start anew (0 for none).
inline bool stream_output(const float* y, std::size_t count, std::size_t run = 0) {
  return count * sizeof(float) >= kStreamBytes && reinterpret_cast<std::uintptr_t>(y) % 64 == 0 &&
         run % 16 == 0;
}

}  // namespace tinct
