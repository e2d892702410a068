// What the card can do at best: copying, multiply-adds, and tensor cores through mma.sync, the last
// two bound by arithmetic alone: all operands stay in registers.
#include <algorithm>
#include <functional>
#include <limits>

#include "bench/gpu/numbers.h"
#include "bench/gpu/stopwatch.h"
#include "core/simt/ptx.h"

namespace tinct::bench {
namespace {

// Independent sums a thread, enough for four warps a scheduler to hide the latency.
constexpr int kChains = 8;

__global__ void spin_fma(int steps, float scale, float* out) {
  float sum[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum[i] = static_cast<float>(threadIdx.x + i);
#pragma unroll 16
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) sum[i] = fmaf(sum[i], scale, 0.5f);
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) total += sum[i];
  out[gpu::first_item()] = total;
}

__global__ void spin_mma(int steps, std::uint32_t bits, float* out) {
  const std::uint32_t lane = threadIdx.x % gpu::kWarp;
  const std::uint32_t a[4] = {bits ^ lane, bits ^ lane << 1, bits ^ lane << 2, bits ^ lane << 3};
  const std::uint32_t b[2] = {bits ^ lane << 4, bits ^ lane << 5};
  float sum[kChains][4] = {};
#pragma unroll 4
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) gpu::mma_16x8x16(sum[i], a, b);
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) total += sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3];
  out[gpu::first_item()] = total;
}

// `work` a second, of the shortest of several runs.
double best_rate(double work, int times, const std::function<void()>& run) {
  run();
  double best = std::numeric_limits<double>::max();
  Stopwatch watch;
  for (int i = 0; i < times; ++i) {
    watch.start();
    run();
    watch.stop();
    best = std::min(best, watch.seconds());
  }
  return best > 0 ? work / best : 0;
}

}  // namespace

Peaks measure_peaks(bool small) {
  constexpr unsigned kThreads = 256;
  const auto blocks = static_cast<unsigned>(small ? 1 : 8 * device::info().multiprocessors);
  const int steps = small ? 2 : 4096, times = small ? 1 : 7;
  const gpu::Launch grid{dim3(blocks), dim3(kThreads)};
  const double threads = 1.0 * blocks * kThreads, chains = 1.0 * kChains * steps;
  device::Array<float> out(blocks * kThreads);

  Peaks peaks;
  peaks.fma_flops = best_rate(2 * threads * chains, times,
                              [&] { gpu::launch(grid, spin_fma, steps, 0.999f, out.data()); });
  constexpr double kFlopsOfWarp = 2.0 * 16 * 8 * 16;
  peaks.mma_flops = best_rate(kFlopsOfWarp * threads / gpu::kWarp * chains, times,
                              [&] { gpu::launch(grid, spin_mma, steps, 0x3F803F80u, out.data()); });
  const std::size_t bytes = small ? 4096 : std::size_t{1} << 30;
  const Input<float> from(bytes / sizeof(float), 1);
  device::Array<float> to(from.size());
  peaks.copy_bytes = best_rate(2.0 * static_cast<double>(bytes), times,
                               [&] { device::copy_on_device(to.data(), from.data(), bytes); });
  return peaks;
}

}  // namespace tinct::bench
