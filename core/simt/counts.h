// What warps ask of memory: lanes' accesses merged into requests, requests into sectors and waves.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/simt/simulator.h"

namespace tinct::simt {

/// The accesses of one warp's request; of lanes not in `mask` the address is not used.
struct WarpRequest {
  std::array<std::uintptr_t, 32> address{};
  std::uint32_t mask = 0;
};

/// 32-byte sectors touched, and the fewest that the distinct bytes could fill.
struct Sectors {
  unsigned touched = 0, ideal = 0;
};
Sectors sectors(const WarpRequest& request, std::size_t bytes);

/// Passes over the 32 banks of 4 bytes. Lanes of up to 4 bytes go 32 at a time, of 8 bytes 16, of
/// 16 bytes 8 (the usual model of the hardware); each group takes as many waves as the most
/// distinct words that fall into one bank, and at least one.
struct Waves {
  unsigned taken = 0, ideal = 0;
};
Waves waves(const WarpRequest& request, std::size_t bytes);

/// Lanes that share their address with a lower one.
unsigned collisions(const WarpRequest& request);

/// Counts by place in the program. The k-th access of each lane from one place, between two waits
/// of the warp, is one request.
class Counts {
 public:
  void begin_block(unsigned warps);
  void add(unsigned thread, std::uintptr_t address, std::size_t bytes, Space space, Access access,
           const void* pc);
  /// The lanes of the warp have met.
  void close(unsigned warp);
  void close_all();

  struct Key {
    const void* pc;
    Space space;
    Access access;
    auto operator<=>(const Key&) const = default;
  };
  const std::map<Key, LineCount>& totals() const { return totals_; }
  /// Sectors of device memory that blocks read, each once a block.
  std::uint64_t block_reads() const { return block_reads_ + read_.size(); }

 private:
  struct Open {
    Key key{};
    std::size_t bytes = 0;
    std::array<std::uint32_t, 32> came{};  ///< how often each lane has come by
    std::vector<WarpRequest> requests;
  };

  void account(const Open& open, const WarpRequest& request);
  void remember(const WarpRequest& request, std::size_t bytes);

  std::vector<std::unordered_map<std::uint64_t, Open>> open_;  ///< of each warp
  std::map<Key, LineCount> totals_;
  std::unordered_set<std::uintptr_t> read_;    ///< sectors that this block has read
  std::array<std::uintptr_t, 8192> recent_{};  ///< some of them, where a look is quick
  std::uint64_t block_reads_ = 0;              ///< of the blocks before
};

}  // namespace tinct::simt
