// Device memory on a real card.
#include "core/simt/device.h"
#include "core/simt/simt.h"

namespace tinct::device {
namespace {

using gpu::check;

cudaStream_t native(Stream* stream) {
  return reinterpret_cast<cudaStream_t>(stream);
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

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  if (const cudaError_t status = cudaMalloc(&memory, bytes); status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free_bytes = 0, total = 0;
    cudaMemGetInfo(&free_bytes, &total);
    throw OutOfMemory("no device memory for " + std::to_string(bytes) + " bytes; " +
                      std::to_string(free_bytes) + " of " + std::to_string(total) + " are free");
  } else {
    check(status);
  }
  return memory;
}

void release(void* memory) noexcept {
  cudaFree(memory);
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

Stream* make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream));
  return reinterpret_cast<Stream*>(stream);
}

void destroy(Stream* stream) noexcept {
  cudaStreamDestroy(native(stream));
}

void synchronize(Stream* stream) {
  check(cudaStreamSynchronize(native(stream)));
}

void synchronize() {
  check(cudaDeviceSynchronize());
}

}  // namespace tinct::device
