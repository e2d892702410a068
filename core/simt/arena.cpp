// The arena: addresses are plenty, so every allocation has a guard gap behind it.
#include "core/simt/arena.h"

#include <sys/mman.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "core/error.h"

namespace tinct::simt {
namespace {

constexpr std::size_t kReserved = std::size_t{1} << 38;
constexpr std::size_t kGuard = 4096;
constexpr std::size_t kCommitStep = std::size_t{1} << 22;

std::size_t round_up(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

}  // namespace

Arena& Arena::get() {
  static Arena* arena = new Arena;  // outlives every tensor
  return *arena;
}

Arena::Arena() {
  void* mapping =
      mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw OutOfMemory("no addresses for the simulated card's memory");
  begin_ = reinterpret_cast<std::uintptr_t>(mapping);
  end_ = begin_ + kReserved;
  top_ = committed_ = begin_;
  top_ += kGuard;
}

void* Arena::allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const auto refuse = [bytes] {
    throw OutOfMemory("no simulated device memory for " + std::to_string(bytes) + " bytes");
  };
  if (bytes > kReserved / 2) refuse();
  const std::size_t room = round_up(bytes, 256) + kGuard;
  const std::lock_guard lock(mutex_);
  std::uintptr_t at = 0;
  // Reuse only what fits well: a small allocation must not sit in the room of a large one.
  if (const auto spare = free_.lower_bound(room);
      spare != free_.end() && spare->first <= room + room / 8) {
    at = spare->second;
    free_.erase(spare);
  } else {
    at = top_;
    if (at + room > end_) refuse();
    const std::uintptr_t need = begin_ + round_up(at + room - begin_, kCommitStep);
    if (need > committed_) {
      if (mprotect(reinterpret_cast<void*>(committed_), need - committed_,
                   PROT_READ | PROT_WRITE) != 0) {
        refuse();
      }
      committed_ = need;
    }
    top_ += room;
  }
  live_[at] = {at, bytes, ++serial_};
  in_use_ += bytes;
  if (guarded_) let_through(true);
  std::memset(reinterpret_cast<void*>(at), 0xFF, bytes);
  if (guarded_ && open_ == 0) let_through(false);
  return reinterpret_cast<void*>(at);
}

void Arena::let_through(bool yes) {
  if (committed_ == begin_) return;
  mprotect(reinterpret_cast<void*>(begin_), committed_ - begin_,
           yes ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void Arena::guard(bool on) {
  const std::lock_guard lock(mutex_);
  guarded_ = on;
  if (open_ == 0) let_through(!on);
}

void Arena::open() {
  const std::lock_guard lock(mutex_);
  if (open_++ == 0 && guarded_) let_through(true);
}

void Arena::close() {
  const std::lock_guard lock(mutex_);
  if (--open_ == 0 && guarded_) let_through(false);
}

void Arena::release(void* memory) {
  if (memory == nullptr) return;
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == live_.end()) {
    throw std::invalid_argument("device::release: not the beginning of a live allocation");
  }
  const std::size_t bytes = found->second.bytes;
  in_use_ -= bytes;
  // Whole pages go back to the system; what is left is NaN again at the next allocation.
  const std::uintptr_t first = round_up(found->first, 4096),
                       last = found->second.end() / 4096 * 4096;
  if (bytes >= (1u << 20) && last > first) {
    madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  free_.emplace(round_up(bytes, 256) + kGuard, found->first);
  live_.erase(found);
}

Allocation Arena::at_or_before(std::uintptr_t address) const {
  const std::lock_guard lock(mutex_);
  auto after = live_.upper_bound(address);
  return after == live_.begin() ? Allocation() : std::prev(after)->second;
}

std::size_t Arena::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

std::uint64_t Arena::last_serial() const {
  const std::lock_guard lock(mutex_);
  return serial_;
}

}  // namespace tinct::simt
