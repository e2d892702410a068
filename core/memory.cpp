// The caching allocator.
#include "core/memory.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "core/error.h"

namespace tinct {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Powers of two and the three points between them: at most 25 % is wasted, and nearby sizes share
// blocks.
std::size_t size_class(std::size_t bytes) {
  if (bytes <= 256) return 256;
  const std::size_t step = std::bit_floor(bytes - 1) / 4;
  const std::size_t rounded = (bytes + step - 1) / step * step;
  return rounded < kHugePage ? rounded : (rounded + kHugePage - 1) / kHugePage * kHugePage;
}

struct Cache {
  std::mutex mutex;
  std::map<std::size_t, std::vector<void*>> free;  // by size class
  MemoryUse use;

  void* take(std::size_t size) {
    std::lock_guard lock(mutex);
    use.in_use += size;
    if (use.in_use > use.peak) use.peak = use.in_use;
    const auto found = free.find(size);
    if (found == free.end() || found->second.empty()) return nullptr;
    void* block = found->second.back();
    found->second.pop_back();
    use.cached -= size;
    return block;
  }

  void give_back(void* block, std::size_t size) {
    std::lock_guard lock(mutex);
    use.in_use -= size;
    use.cached += size;
    free[size].push_back(block);
  }

  void forget(std::size_t size) {
    std::lock_guard lock(mutex);
    use.in_use -= size;
  }
};

// Never destroyed: tensors with static storage may outlive any order of destruction.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

void* from_system(std::size_t size) {
  const std::size_t alignment = size >= kHugePage ? kHugePage : 64;
  void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (block && size >= kHugePage) madvise(block, size, MADV_HUGEPAGE);
  return block;
}

}  // namespace

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 46)) {
    throw OutOfMemory("cannot allocate " + std::to_string(bytes) + " bytes");
  }
  const std::size_t size = size_class(bytes);
  void* block = cache().take(size);
  if (!block) block = from_system(size);
  if (!block) {
    release_cached_memory();
    block = from_system(size);
  }
  if (!block) {
    cache().forget(size);
    throw OutOfMemory("cannot allocate " + std::to_string(size >> 20) + " MiB (" +
                      std::to_string(memory_use().in_use >> 20) + " MiB are in use)");
  }
  return {static_cast<std::byte*>(block), [size](std::byte* p) { cache().give_back(p, size); }};
}

MemoryUse memory_use() {
  std::lock_guard lock(cache().mutex);
  return cache().use;
}

void reset_memory_peak() {
  std::lock_guard lock(cache().mutex);
  cache().use.peak = cache().use.in_use;
}

void release_cached_memory() {
  std::lock_guard lock(cache().mutex);
  for (auto& [size, blocks] : cache().free) {
    for (void* block : blocks) std::free(block);
    cache().use.cached -= size * blocks.size();
    blocks.clear();
  }
}

}  // namespace tinct
