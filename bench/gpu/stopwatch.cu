// Kernels that turn the L2 cache over and that let the host run ahead, and what the card says of
// itself.
#include "bench/gpu/stopwatch.h"

#include <cstdio>

#include "core/simt/simt.h"

namespace tinct::bench {

namespace {

std::size_t cache_bytes() {
#if defined(__CUDACC__)
  int device = 0, bytes = 0;
  gpu::check(cudaGetDevice(&device));
  gpu::check(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device));
  return static_cast<std::size_t>(bytes);
#else
  return 0;
#endif
}

// A thread writes vectors a grid apart.
__global__ void overwrite(std::size_t vectors, float value, float4* to) {
  for (std::size_t i = gpu::first_item(); i < vectors; i += gpu::item_step()) {
    to[i] = make_float4(value, value, value, value);
  }
}

#if defined(__CUDACC__)
__global__ void spin(long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {
  }
}
#endif

}  // namespace

void flush_cache() {
  static const std::size_t vectors = 2 * cache_bytes() / sizeof(float4);
  if (vectors == 0) return;
  // Never destroyed: the driver may be gone by then.
  static auto* const buffer = new device::Array<float4>(vectors);
  static float value = 0;
  gpu::launch(gpu::over(vectors), overwrite, vectors, value += 1, buffer->data());
}

void hold_back() {
#if defined(__CUDACC__)
  gpu::launch({dim3(1), dim3(1)}, spin, 500'000LL);
#endif
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
