// The shadows of device memory, which outlive a launch: what has been written stays written.
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "core/simt/checker.h"

namespace tinct::simt {

constinit bool writes_tracked = false;

namespace {

struct Entry {
  std::uint64_t serial = 0;
  std::unique_ptr<Shadow> shadow;
};

std::mutex mutex;
std::map<std::uintptr_t, Entry> entries;
std::uint64_t unknown_until = 0;  // allocations up to this one may have been written unseen

Shadow& find(const Allocation& allocation) {
  const std::lock_guard lock(mutex);
  Entry& entry = entries[allocation.begin];
  if (entry.serial != allocation.serial) {
    entry.serial = allocation.serial;
    entry.shadow = std::make_unique<Shadow>(allocation.begin, allocation.bytes);
  }
  if (allocation.serial <= unknown_until) entry.shadow->set_all_written();
  return *entry.shadow;
}

Allocation within(const void* p, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const Allocation allocation = Arena::get().at_or_before(address);
  if (address + bytes <= allocation.end()) return allocation;
  throw std::invalid_argument("a copy of " + std::to_string(bytes) +
                              " bytes leaves the device memory it is of");
}

}  // namespace

Shadow& shadow_of(const Allocation& allocation) {
  thread_local Allocation last;
  thread_local Shadow* shadow = nullptr;
  thread_local std::uint64_t known = 0;
  if (shadow == nullptr || allocation.serial != last.serial || known != unknown_until) {
    shadow = &find(allocation);
    last = allocation;
    known = unknown_until;
  }
  return *shadow;
}

void forget_shadow(std::uintptr_t begin) {
  const std::lock_guard lock(mutex);
  entries.erase(begin);
}

void host_writes(const void* to, std::size_t bytes) {
  if (bytes == 0) return;
  const Allocation allocation = within(to, bytes);
  if (!writes_tracked) return;
  find(allocation).set_written(reinterpret_cast<std::uintptr_t>(to), bytes);
}

void host_reads(const void* from, std::size_t bytes) {
  if (bytes > 0) within(from, bytes);
}

void unchecked_launch() {
  if (!writes_tracked) return;
  const std::uint64_t serial = Arena::get().last_serial();
  const std::lock_guard lock(mutex);
  unknown_until = serial;
}

void track_writes(bool on) {
  writes_tracked = on;
  unchecked_launch();
}

}  // namespace tinct::simt
