// Device memory when the device is the simulator.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "core/device_words.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/simt/arena.h"
#include "core/simt/checker.h"
#include "core/simt/device.h"

namespace tinct::device {
namespace {

std::atomic<std::size_t> peak{0};

std::size_t limit_from_environment() {
  const char* text = std::getenv("TINCT_SIMT_MEMORY");
  const std::size_t mebibytes = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return mebibytes == 0 ? std::size_t{1} << 37 : mebibytes << 20;
}

std::atomic<std::size_t>& limit() {
  static std::atomic<std::size_t> bytes = limit_from_environment();
  return bytes;
}

}  // namespace

Backend backend() {
  return Backend::simulator;
}

Info info() {
  Info info;
  info.name = "SIMT simulator";
  info.multiprocessors = 1;
  info.capability = 80;
  info.total_bytes = limit();
  info.free_bytes = info.total_bytes - std::min(info.total_bytes, simt::Arena::get().in_use());
  return info;
}

void check_usable() {}

void* allocate(std::size_t bytes) {
  const Info now = info();
  if (bytes > now.free_bytes) {
    throw OutOfMemory(no_room(bytes, {now.free_bytes, now.total_bytes, memory_use(), 0}));
  }
  void* memory = simt::Arena::get().allocate(bytes);
  const std::size_t in_use = simt::Arena::get().in_use();
  std::size_t before = peak;
  while (before < in_use && !peak.compare_exchange_weak(before, in_use)) {
  }
  return memory;
}

void release(void* memory) noexcept {
  simt::Arena::get().release(memory);
  simt::forget_shadow(reinterpret_cast<std::uintptr_t>(memory));
}

MemoryUse memory_use() {
  return {simt::Arena::get().in_use(), peak, 0};
}

void reset_memory_peak() {
  peak = simt::Arena::get().in_use();
}

void release_cached_memory() {}

std::shared_ptr<std::byte> pinned(std::size_t bytes) {
  return tinct::allocate(bytes);
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  simt::host_writes(to, bytes);
  const simt::OpenArena open;
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  simt::host_reads(from, bytes);
  const simt::OpenArena open;
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream*) {
  simt::host_reads(from, bytes);
  simt::host_writes(to, bytes);
  const simt::OpenArena open;
  if (bytes > 0) std::memmove(to, from, bytes);
}

void copy_to_device_later(void* to, const void* from, std::size_t bytes, Stream*) {
  copy_to_device(to, from, bytes);
}

void set_zero(void* to, std::size_t bytes, Stream*) {
  simt::host_writes(to, bytes);
  const simt::OpenArena open;
  if (bytes > 0) std::memset(to, 0, bytes);
}

void set_memory(std::size_t bytes) {
  limit() = bytes;
}

void guard(bool on) {
  simt::Arena::get().guard(on);
}

Stream* make_stream() {
  return nullptr;
}

void destroy(Stream*) noexcept {}

Event::Event(bool) {}

Event::~Event() = default;

void Event::record(Stream*) {}

void Event::wait() {}

double Event::milliseconds_since(const Event&) const {
  return 0;
}

void synchronize(Stream*) {}

void synchronize() {}

}  // namespace tinct::device
