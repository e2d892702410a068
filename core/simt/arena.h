// The simulated card's memory: one reserved range of addresses, allocations apart from each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace tinct::simt {

struct Allocation {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
  std::uint64_t serial = 0;  ///< the how-manieth it was, from 1

  std::uintptr_t end() const { return begin + bytes; }
};

/// Safe to call from any thread.
class Arena {
 public:
  static Arena& get();

  /// 256-byte aligned and full of NaN. Throws OutOfMemory.
  void* allocate(std::size_t bytes);
  /// Throws std::invalid_argument for what is not the beginning of a live allocation.
  void release(void* memory);

  bool contains(const void* address) const {
    const auto a = reinterpret_cast<std::uintptr_t>(address);
    return a >= begin_ && a < end_;
  }
  /// Whether touching it does not end the program.
  bool mapped(std::uintptr_t address) const { return address > begin_ && address <= committed_; }
  /// The live allocation that holds the address, or the last one before it; bytes is 0 when none.
  Allocation at_or_before(std::uintptr_t address) const;
  /// Under guard, memory can be touched only while it is open: anything else ends the program.
  void guard(bool on);
  void open();
  void close();
  std::size_t in_use() const;
  std::uint64_t last_serial() const;

 private:
  Arena();
  void let_through(bool yes);

  std::uintptr_t begin_ = 0, end_ = 0;
  std::uintptr_t top_ = 0, committed_ = 0;
  std::size_t in_use_ = 0;
  bool guarded_ = false;
  int open_ = 0;
  std::uint64_t serial_ = 0;
  mutable std::mutex mutex_;
  std::map<std::uintptr_t, Allocation> live_;
  std::multimap<std::size_t, std::uintptr_t> free_;  ///< by room, guard included
};

/// Opens the arena while it lives.
class OpenArena {
 public:
  OpenArena() { Arena::get().open(); }
  ~OpenArena() { Arena::get().close(); }
  OpenArena(const OpenArena&) = delete;
  OpenArena& operator=(const OpenArena&) = delete;
};

}  // namespace tinct::simt
