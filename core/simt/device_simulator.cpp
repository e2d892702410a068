// Device memory when the device is the simulator.
#include <cstring>

#include "core/simt/arena.h"
#include "core/simt/checker.h"
#include "core/simt/device.h"

namespace tinct::device {

Backend backend() {
  return Backend::simulator;
}

Info info() {
  Info info;
  info.name = "SIMT simulator";
  info.multiprocessors = 1;
  info.capability = 80;
  info.total_bytes = std::size_t{1} << 37;
  info.free_bytes = info.total_bytes - simt::Arena::get().in_use();
  return info;
}

void* allocate(std::size_t bytes) {
  return simt::Arena::get().allocate(bytes);
}

void release(void* memory) noexcept {
  simt::Arena::get().release(memory);
  simt::forget_shadow(reinterpret_cast<std::uintptr_t>(memory));
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  simt::host_writes(to, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  simt::host_reads(from, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream*) {
  simt::host_reads(from, bytes);
  simt::host_writes(to, bytes);
  if (bytes > 0) std::memmove(to, from, bytes);
}

void copy_to_device_later(void* to, const void* from, std::size_t bytes, Stream*) {
  copy_to_device(to, from, bytes);
}

void set_zero(void* to, std::size_t bytes, Stream*) {
  simt::host_writes(to, bytes);
  if (bytes > 0) std::memset(to, 0, bytes);
}

Stream* make_stream() {
  return nullptr;
}

void destroy(Stream*) noexcept {}

void synchronize(Stream*) {}

void synchronize() {}

}  // namespace tinct::device
