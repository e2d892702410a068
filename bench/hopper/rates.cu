// The ceilings that kernels are measured against: device memory, the L2 cache, the tensor cores.
#include <algorithm>

#include "bench/hopper/probe.h"
#include "bench/hopper/wgmma.h"
#include "core/random.h"
#include "core/simt/bf16.h"
#include "core/simt/simt.h"

namespace tinct::hopper {
namespace {

using gpu::check;
using gpu::launch;

constexpr double kMiB = 1 << 20;

unsigned multiprocessors() {
  static const auto count = static_cast<unsigned>(device::info().multiprocessors);
  return count;
}

// Numbers without a pattern: a card is faster on noughts.
__global__ void fill_kernel(std::size_t count, unsigned* x) {
  for (std::size_t i = gpu::first_item(); i < count; i += gpu::item_step()) {
    unsigned v = static_cast<unsigned>(i) * 0x9e3779b9u;
    v = (v ^ v >> 16) * 0x85ebca6bu;
    x[i] = v ^ v >> 13;
  }
}

__global__ void copy_kernel(std::size_t count, const float4* x, float4* y) {
  for (std::size_t i = gpu::first_item(); i < count; i += gpu::item_step()) y[i] = x[i];
}

// Every block reads all of x, `rounds` times, each from another start; past the first level of
// cache.
__global__ void read_kernel(unsigned count, unsigned rounds, const uint4* x, unsigned* sink) {
  unsigned sum = 0;
  const unsigned mask = count - 1, start = count / gridDim.x * blockIdx.x + threadIdx.x;
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned i = 0; i < count; i += 4 * blockDim.x) {
      uint4 v[4];
      for (unsigned k = 0; k < 4; ++k) v[k] = __ldcg(x + (start + i + k * blockDim.x & mask));
      for (unsigned k = 0; k < 4; ++k) sum ^= v[k].x ^ v[k].y ^ v[k].z ^ v[k].w;
    }
  }
  if (sum == 0xdeadbeef) *sink = sum;  // what is not used is not read
}

__global__ void ask_for_wgmma(int* answer) {
#ifdef TINCT_WGMMA
  *answer = 1;
#else
  *answer = 0;
#endif
}

template <class T>
void fill(device::Array<T>& x) {
  const std::size_t count = x.size() * sizeof(T) / sizeof(unsigned);
  launch({multiprocessors() * 16, 256}, fill_kernel, count, reinterpret_cast<unsigned*>(x.data()));
}

Answer copy_rate() {
  constexpr std::size_t kBytes = std::size_t{1} << 30;
  device::Array<float4> x(kBytes / sizeof(float4)), y(x.size());
  fill(x);
  const double ms = median_ms([&] {
    launch({multiprocessors() * 16, 256}, copy_kernel, x.size(), x.data(), y.data());
  });
  return {"copy of 1 GiB, read and written", 2 * kBytes / ms / 1e6, "GB/s"};
}

Answer read_rate(unsigned mib) {
  constexpr unsigned kRounds = 4;
  device::Array<uint4> x(static_cast<std::size_t>(mib) << 16);  // 65536 are 1 MiB
  device::Array<unsigned> sink(1);
  fill(x);
  const unsigned blocks = 2 * multiprocessors();
  const double ms = median_ms([&] {
    launch({blocks, 512}, read_kernel, static_cast<unsigned>(x.size()), kRounds, x.data(),
           sink.data());
  });
  return {"read of " + std::to_string(mib) + " MiB by every block",
          mib * kMiB * kRounds * blocks / ms / 1e6, "GB/s"};
}

constexpr int kGroups = 2;  // warpgroups a block, each its own rows of a
constexpr int kSteps = 4;   // of kK in a row of shared memory
constexpr int kRepeats = 2048;

// Nothing but wgmma: the operands stay where they are.
template <int N, bool kFromShared>
__global__ void wgmma_kernel(const uint4* numbers, float* sink) {
  unsigned char* shared = gpu::dynamic_shared<unsigned char>();
  shared += (1024 - shared_address(shared) % 1024) % 1024;
  constexpr int kRows = kGroups * kM + N;
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kRowBytes / 16;
       i += static_cast<int>(blockDim.x)) {
    reinterpret_cast<uint4*>(shared)[i] = numbers[i];
  }
  publish_shared();
  __syncthreads();
  const std::uint32_t a = shared_address(shared) + threadIdx.x / 128 * kM * kRowBytes;
  const std::uint32_t b = shared_address(shared) + kGroups * kM * kRowBytes;
  const uint4 fragment = numbers[threadIdx.x];
  const std::uint32_t registers[4] = {fragment.x, fragment.y, fragment.z, fragment.w};
  float d[N / 2] = {};
  for (int r = 0; r < kRepeats; ++r) {
    wgmma_begin();
    for (std::uint32_t k = 0; k < kSteps; ++k) {
      const std::uint64_t there = descriptor(b + 32 * k, 8 * kRowBytes);
      if constexpr (kFromShared) {
        wgmma_ss<N>(d, descriptor(a + 32 * k, 8 * kRowBytes), there);
      } else {
        wgmma_rs<N>(d, registers, there);
      }
    }
    wgmma_commit();
    wgmma_wait<1>();
  }
  wgmma_wait<0>();
  wgmma_settle<N / 2>(d);
  float sum = 0;
  for (int i = 0; i < N / 2; ++i) sum += d[i];
  if (sum == 1234.5f) *sink = sum;
}

template <int N, bool kFromShared>
Answer wgmma_rate() {
  constexpr std::size_t kShared = (kGroups * kM + N) * kRowBytes;
  const Random random(3, Purpose::test);
  std::vector<bf16> host(kShared / sizeof(bf16));
  for (std::size_t i = 0; i < host.size(); ++i) host[i] = to_bf16(2 * random.uniform(i) - 1);
  const device::Array<bf16> numbers(host.data(), host.size());
  device::Array<float> sink(1);
  const unsigned blocks = multiprocessors();
  const double ms = median_ms([&] {
    launch({blocks, kGroups * 128, kShared + 1024}, wgmma_kernel<N, kFromShared>,
           reinterpret_cast<const uint4*>(numbers.data()), sink.data());
  });
  const double flops = 2.0 * kM * N * kK * kSteps * kRepeats * kGroups * blocks;
  return {"wgmma m64n" + std::to_string(N) + "k16, a from " +
              (kFromShared ? "shared memory" : "registers"),
          flops / ms / 1e9, "TFLOP/s"};
}

}  // namespace

double median_ms(const std::function<void()>& f, int rounds) {
  cudaEvent_t begin = nullptr, end = nullptr;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int r = -2; r < rounds; ++r) {
    check(cudaEventRecord(begin));
    f();
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end));
    if (r >= 0) times.push_back(ms);
  }
  check(cudaEventDestroy(begin));
  check(cudaEventDestroy(end));
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

bool has_wgmma() {
  device::Array<int> answer(1);
  launch({1, 1}, ask_for_wgmma, answer.data());
  int is = 0;
  answer.to_host(&is);
  return is != 0;
}

Answers memory_rates() {
  return {copy_rate(), read_rate(8), read_rate(16), read_rate(32)};
}

Answers wgmma_rates() {
  return {wgmma_rate<64, true>(),  wgmma_rate<128, true>(),  wgmma_rate<256, true>(),
          wgmma_rate<64, false>(), wgmma_rate<128, false>(), wgmma_rate<256, false>()};
}

}  // namespace tinct::hopper
