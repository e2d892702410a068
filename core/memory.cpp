// The host's caching allocator.
#include "core/memory.h"

#include <sys/mman.h>

#include <cstdlib>

#include "core/error.h"

namespace tinct {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Never destroyed: tensors with static storage may outlive any order of destruction.
BlockCache& cache() {
  static BlockCache* const instance = new BlockCache;
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
  const std::size_t size = BlockCache::size_class(bytes);
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
  return cache().use();
}

void reset_memory_peak() {
  cache().reset_peak();
}

void release_cached_memory() {
  cache().drain([](void* block) { std::free(block); });
}

}  // namespace tinct
