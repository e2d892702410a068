// Device memory in builds without CUDA and without the simulator: there is none.
#include "core/error.h"
#include "core/simt/device.h"

namespace tinct::device {
namespace {

[[noreturn]] void refuse() {
  throw DeviceError("this tinct was built without a GPU backend (TINCT_GPU=none)");
}

}  // namespace

Backend backend() {
  return Backend::none;
}

Info info() {
  refuse();
}

void check_usable() {
  refuse();
}

void* allocate(std::size_t) {
  refuse();
}

void release(void*) noexcept {}

MemoryUse memory_use() {
  return {};
}

void reset_memory_peak() {}

void release_cached_memory() {}

std::shared_ptr<std::byte> pinned(std::size_t) {
  refuse();
}

void copy_to_device(void*, const void*, std::size_t) {
  refuse();
}

void copy_to_host(void*, const void*, std::size_t) {
  refuse();
}

void copy_on_device(void*, const void*, std::size_t, Stream*) {
  refuse();
}

void copy_to_device_later(void*, const void*, std::size_t, Stream*) {
  refuse();
}

void set_zero(void*, std::size_t, Stream*) {
  refuse();
}

void set_memory(std::size_t) {}

void guard(bool) {}

Stream* make_stream() {
  refuse();
}

void destroy(Stream*) noexcept {}

Event::Event(bool) {}

Event::~Event() = default;

void Event::record(Stream*) {}

void Event::wait() {}

double Event::milliseconds_since(const Event&) const {
  return 0;
}

void synchronize(Stream*) {
  refuse();
}

void synchronize() {
  refuse();
}

}  // namespace tinct::device
