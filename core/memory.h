// Host memory: a caching allocator behind every tensor and every workspace.
//
// Blocks are 64-byte aligned, rounded up to a size class, and kept for reuse when freed, so that
// the steps of a training run allocate nothing. Large blocks ask the kernel for huge pages.
#pragma once

#include <cstddef>
#include <memory>

#include "core/block_cache.h"

namespace tinct {

/// An uninitialised block of at least `bytes` bytes, 64-byte aligned; given back to the cache when
/// the last owner goes. Throws OutOfMemory. Safe to call from any thread.
std::shared_ptr<std::byte> allocate(std::size_t bytes);

MemoryUse memory_use();
void reset_memory_peak();
/// Gives every cached block back to the system.
void release_cached_memory();

/// A scratch array that lives for one call.
template <class T>
class Workspace {
 public:
  explicit Workspace(std::size_t count) : block_(allocate(count * sizeof(T))), size_(count) {}
  T* data() { return reinterpret_cast<T*>(block_.get()); }
  const T* data() const { return reinterpret_cast<const T*>(block_.get()); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data()[i]; }

 private:
  std::shared_ptr<std::byte> block_;
  std::size_t size_;
};

}  // namespace tinct
