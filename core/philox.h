// Philox4x32-10, on the host and in kernels: Salmon et al., "Parallel Random Numbers: As Easy as 1,
// 2, 3", SC 2011.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace tinct {

/// Four words: a counter before, random bits after.
struct PhiloxBlock {
  std::uint32_t word[4];
};

TINCT_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock c, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c.word[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c.word[2];
    c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ key0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ key1, static_cast<std::uint32_t>(p0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c;
}

}  // namespace tinct
