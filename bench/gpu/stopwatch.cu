// Time on the device by events, and a kernel that turns the L2 cache over.
#include "bench/gpu/stopwatch.h"

#include <chrono>
#include <cstdio>

#include "core/simt/simt.h"

namespace tinct::bench {

#if defined(__CUDACC__)
struct Stopwatch::Moments {
  cudaEvent_t begin = nullptr, end = nullptr;
};

Stopwatch::Stopwatch() : moments_(std::make_unique<Moments>()) {
  gpu::check(cudaEventCreate(&moments_->begin));
  gpu::check(cudaEventCreate(&moments_->end));
}

Stopwatch::~Stopwatch() {
  cudaEventDestroy(moments_->begin);
  cudaEventDestroy(moments_->end);
}

void Stopwatch::start() {
  gpu::check(cudaEventRecord(moments_->begin));
}

void Stopwatch::stop() {
  gpu::check(cudaEventRecord(moments_->end));
}

double Stopwatch::seconds() const {
  float milliseconds = 0;
  gpu::check(cudaEventSynchronize(moments_->end));
  gpu::check(cudaEventElapsedTime(&milliseconds, moments_->begin, moments_->end));
  return milliseconds * 1e-3;
}

namespace {

std::size_t cache_bytes() {
  int device = 0, bytes = 0;
  gpu::check(cudaGetDevice(&device));
  gpu::check(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device));
  return static_cast<std::size_t>(bytes);
}

}  // namespace
#else
struct Stopwatch::Moments {
  std::chrono::steady_clock::time_point begin, end;
};

Stopwatch::Stopwatch() : moments_(std::make_unique<Moments>()) {}
Stopwatch::~Stopwatch() = default;

void Stopwatch::start() {
  moments_->begin = std::chrono::steady_clock::now();
}

void Stopwatch::stop() {
  moments_->end = std::chrono::steady_clock::now();
}

double Stopwatch::seconds() const {
  return std::chrono::duration<double>(moments_->end - moments_->begin).count();
}

namespace {

std::size_t cache_bytes() {
  return 0;
}

}  // namespace
#endif

namespace {

// A thread writes vectors a grid apart.
__global__ void overwrite(std::size_t vectors, float value, float4* to) {
  for (std::size_t i = gpu::first_item(); i < vectors; i += gpu::item_step()) {
    to[i] = make_float4(value, value, value, value);
  }
}

}  // namespace

void flush_cache() {
  static const std::size_t vectors = 2 * cache_bytes() / sizeof(float4);
  if (vectors == 0) return;
  // Never destroyed: the driver may be gone by then.
  static auto* const buffer = new device::Array<float4>(vectors);
  static float value = 0;
  gpu::launch(gpu::over(vectors), overwrite, vectors, value += 1, buffer->data());
}

CardState card_state() {
  CardState state;
  if (device::backend() != device::Backend::cuda) return state;
  std::FILE* const answer = popen(
      "nvidia-smi --query-gpu=driver_version,clocks.sm,clocks.mem --format=csv,noheader "
      "2>/dev/null",
      "r");
  if (answer == nullptr) return state;
  char line[256] = "";
  const bool read = std::fgets(line, sizeof line, answer) != nullptr;
  pclose(answer);
  const std::string text = read ? line : "";
  const std::size_t comma = text.find(", ");
  if (comma == std::string::npos) return state;
  state.driver = text.substr(0, comma);
  state.clocks = text.substr(comma + 2, text.find('\n') - comma - 2);
  return state;
}

}  // namespace tinct::bench
