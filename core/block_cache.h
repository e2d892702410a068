// Blocks of memory kept for reuse by size, behind the host's memory and the device's.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace tinct {

struct MemoryUse {
  std::size_t in_use = 0;  ///< bytes held by live blocks
  std::size_t peak = 0;    ///< most bytes ever in use since the peak was last reset
  std::size_t cached = 0;  ///< bytes freed and kept for reuse
};

/// Counts what is in use and keeps what is freed. Safe to call from any thread.
class BlockCache {
 public:
  /// What a request is rounded up to, so that nearby sizes share blocks: powers of two and the
  /// three points between them, and whole pages of 2 MiB.
  static std::size_t size_class(std::size_t bytes);

  /// A free block of `size`, a size class, or null when there is none: then the caller finds one
  /// elsewhere, or calls forget(). Either way `size` counts as in use.
  void* take(std::size_t size);
  void give_back(void* block, std::size_t size);
  void forget(std::size_t size);
  /// Hands every free block to `release`.
  void drain(const std::function<void(void*)>& release);

  MemoryUse use() const;
  void reset_peak();

 private:
  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  MemoryUse use_;
};

}  // namespace tinct
