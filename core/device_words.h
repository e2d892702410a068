// What is said of a device that cannot do what is asked, apart from asking it.
#pragma once

#include <cstddef>
#include <string>

#include "core/block_cache.h"

namespace tinct::device {

/// The memory of a device when an allocation has failed.
struct Room {
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  MemoryUse use;               ///< of this program
  std::size_t given_back = 0;  ///< bytes kept for reuse that were given back first, in vain
};

/// "no room for 512.0 MiB on the GPU: 213.0 MiB of 79.6 GiB are free, this program holds 79.1 GiB
/// (and gave back the 1.2 GiB that it kept for reuse)".
std::string no_room(std::size_t asked, const Room& room);

/// Whether code for `architectures`, a list like "80-real,90,90a-virtual" as CMake has it, runs on
/// a card of that compute capability (86 for sm_86): machine code within its major version, PTX on
/// every newer card, and what ends in "a" on no other.
bool runs_on(const std::string& architectures, int capability);

/// "NVIDIA T4 is sm_75, and this tinct was compiled for 80-real,90: build it with
/// -DTINCT_CUDA_ARCHITECTURES=75".
std::string wrong_card(const std::string& name, int capability, const std::string& architectures);

}  // namespace tinct::device
