// Device memory on a real card.
#include <cstdlib>
#include <mutex>
#include <unordered_map>

#include "core/block_cache.h"
#include "core/device_words.h"
#include "core/simt/device.h"
#include "core/simt/simt.h"

namespace tinct::device {
namespace {

using gpu::check;

cudaStream_t native(Stream* stream) {
  return reinterpret_cast<cudaStream_t>(stream);
}

// Null when the card has too little left.
void* from_card(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status);
  return memory;
}

// The sizes of live blocks beside the cache: release() is told an address alone.
class Pool {
 public:
  // Never destroyed: tensors with static storage may outlive any order of destruction.
  static Pool& get() {
    static Pool* const pool = new Pool;
    return *pool;
  }

  BlockCache cache;

  void remember(void* block, std::size_t size) {
    const std::lock_guard lock(mutex_);
    live_[block] = size;
  }
  std::size_t forget(void* block) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(block);
    const std::size_t size = found->second;
    live_.erase(found);
    return size;
  }
  // compute-sanitizer sees more when every block is the card's own.
  const bool keeps = std::getenv("TINCT_NO_DEVICE_CACHE") == nullptr;

 private:
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> live_;
};

__global__ void nothing() {}

// Why cudaGetDeviceCount found nothing.
std::string reason(cudaError_t status) {
  int driver = 0;
  if (status == cudaSuccess) return "there is none";
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) {
    return "no NVIDIA driver is installed";
  }
  return cudaGetErrorString(status);
}

}  // namespace

Backend backend() {
  return Backend::cuda;
}

Info info() {
  int device = 0;
  check(cudaGetDevice(&device));
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device));
  Info info;
  info.name = properties.name;
  info.multiprocessors = properties.multiProcessorCount;
  info.capability = 10 * properties.major + properties.minor;
  check(cudaMemGetInfo(&info.free_bytes, &info.total_bytes));
  return info;
}

void check_usable() {
  int count = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess || count == 0) {
    cudaGetLastError();
    throw DeviceError("no NVIDIA GPU can be used (" + reason(status) + "): use --device cpu");
  }
  const Info card = info();
  const auto refuse = [&card] {
    throw DeviceError(wrong_card(card.name, card.capability, TINCT_CUDA_ARCHITECTURES));
  };
  if (!runs_on(TINCT_CUDA_ARCHITECTURES, card.capability)) refuse();
  // PTX asks for a driver that can compile it.
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, nothing);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorUnsupportedPtxVersion) {
    cudaGetLastError();
    refuse();
  }
  check(status);
}

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  Pool& pool = Pool::get();
  const std::size_t size = pool.keeps ? BlockCache::size_class(bytes) : bytes;
  void* block = pool.cache.take(size);
  if (block == nullptr) block = from_card(size);
  if (block == nullptr) {
    Room room;
    room.given_back = pool.cache.use().cached;
    release_cached_memory();
    block = from_card(size);
    if (block == nullptr) {
      pool.cache.forget(size);
      room.use = pool.cache.use();
      cudaMemGetInfo(&room.free_bytes, &room.total_bytes);
      throw OutOfMemory(no_room(bytes, room));
    }
  }
  pool.remember(block, size);
  return block;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  Pool& pool = Pool::get();
  const std::size_t size = pool.forget(memory);
  if (pool.keeps) return pool.cache.give_back(memory, size);
  pool.cache.forget(size);
  cudaFree(memory);
}

MemoryUse memory_use() {
  return Pool::get().cache.use();
}

void reset_memory_peak() {
  Pool::get().cache.reset_peak();
}

void release_cached_memory() {
  Pool::get().cache.drain([](void* block) { cudaFree(block); });
}

std::shared_ptr<std::byte> pinned(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, bytes == 0 ? 1 : bytes));
  return {static_cast<std::byte*>(memory), [](std::byte* p) { cudaFreeHost(p); }};
}

void copy_to_device(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice));
}

void copy_to_host(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost));
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream* stream) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, native(stream)));
}

void copy_to_device_later(void* to, const void* from, std::size_t bytes, Stream* stream) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, native(stream)));
}

void set_zero(void* to, std::size_t bytes, Stream* stream) {
  check(cudaMemsetAsync(to, 0, bytes, native(stream)));
}

void set_memory(std::size_t) {}

void guard(bool) {}

Stream* make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream));
  return reinterpret_cast<Stream*>(stream);
}

void destroy(Stream* stream) noexcept {
  cudaStreamDestroy(native(stream));
}

Event::Event(bool timed) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event,
                                 cudaEventBlockingSync | (timed ? 0 : cudaEventDisableTiming)));
  event_ = event;
}

Event::~Event() {
  cudaEventDestroy(static_cast<cudaEvent_t>(event_));
}

void Event::record(Stream* stream) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(event_), native(stream)));
}

void Event::wait() {
  check(cudaEventSynchronize(static_cast<cudaEvent_t>(event_)));
}

double Event::milliseconds_since(const Event& earlier) const {
  float ms = 0;
  check(cudaEventElapsedTime(&ms, static_cast<cudaEvent_t>(earlier.event_),
                             static_cast<cudaEvent_t>(event_)));
  return ms;
}

void synchronize(Stream* stream) {
  check(cudaStreamSynchronize(native(stream)));
}

void synchronize() {
  check(cudaDeviceSynchronize());
}

}  // namespace tinct::device
