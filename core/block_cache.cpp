// Free blocks by size class.
#include "core/block_cache.h"

#include <algorithm>
#include <bit>

namespace tinct {

// At most 25 % is wasted.
std::size_t BlockCache::size_class(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  if (bytes <= 256) return 256;
  const std::size_t step = std::bit_floor(bytes - 1) / 4;
  const std::size_t rounded = (bytes + step - 1) / step * step;
  return rounded < kHugePage ? rounded : (rounded + kHugePage - 1) / kHugePage * kHugePage;
}

void* BlockCache::take(std::size_t size) {
  std::lock_guard lock(mutex_);
  use_.in_use += size;
  use_.peak = std::max(use_.peak, use_.in_use);
  const auto found = free_.find(size);
  if (found == free_.end() || found->second.empty()) return nullptr;
  void* block = found->second.back();
  found->second.pop_back();
  use_.cached -= size;
  return block;
}

void BlockCache::give_back(void* block, std::size_t size) {
  std::lock_guard lock(mutex_);
  use_.in_use -= size;
  use_.cached += size;
  free_[size].push_back(block);
}

void BlockCache::forget(std::size_t size) {
  std::lock_guard lock(mutex_);
  use_.in_use -= size;
}

void BlockCache::drain(const std::function<void(void*)>& release) {
  std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : free_) {
    for (void* block : blocks) release(block);
    use_.cached -= size * blocks.size();
    blocks.clear();
  }
}

MemoryUse BlockCache::use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

void BlockCache::reset_peak() {
  std::lock_guard lock(mutex_);
  use_.peak = use_.in_use;
}

}  // namespace tinct
