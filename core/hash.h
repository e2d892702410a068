// A fast 64-bit hash for checksums and content addresses; not for adversaries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {

/// XXH64 of the bytes (the xxHash specification, version 0.1.1), about 10 GB/s.
std::uint64_t hash64(const void* data, std::size_t bytes, std::uint64_t seed = 0);

}  // namespace tinct
