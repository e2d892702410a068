// What the machine can do at best, measured: multiply-adds and copying.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/harness.h"
#include "core/memory.h"
#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/probe.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of two multiply-add units, and fit sixteen registers.
constexpr int kChains = 12;

double spin_fma(std::size_t steps) {
  const hn::ScalableTag<float> d;
  const auto scale = hn::Set(d, 0.999f);
  const auto shift = hn::Set(d, 0.001f);
  auto a0 = hn::Iota(d, 0.0f), a1 = hn::Iota(d, 0.1f), a2 = hn::Iota(d, 0.2f),
       a3 = hn::Iota(d, 0.3f), a4 = hn::Iota(d, 0.4f), a5 = hn::Iota(d, 0.5f),
       a6 = hn::Iota(d, 0.6f), a7 = hn::Iota(d, 0.7f), a8 = hn::Iota(d, 0.8f),
       a9 = hn::Iota(d, 0.9f), a10 = hn::Iota(d, 1.0f), a11 = hn::Iota(d, 1.1f);
  for (std::size_t i = 0; i < steps; ++i) {
    a0 = hn::MulAdd(a0, scale, shift);
    a1 = hn::MulAdd(a1, scale, shift);
    a2 = hn::MulAdd(a2, scale, shift);
    a3 = hn::MulAdd(a3, scale, shift);
    a4 = hn::MulAdd(a4, scale, shift);
    a5 = hn::MulAdd(a5, scale, shift);
    a6 = hn::MulAdd(a6, scale, shift);
    a7 = hn::MulAdd(a7, scale, shift);
    a8 = hn::MulAdd(a8, scale, shift);
    a9 = hn::MulAdd(a9, scale, shift);
    a10 = hn::MulAdd(a10, scale, shift);
    a11 = hn::MulAdd(a11, scale, shift);
  }
  const auto sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

std::size_t lanes() {
  return hn::Lanes(hn::ScalableTag<float>());
}
const char* target() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace
}  // namespace tinct::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::bench {
namespace {

HWY_EXPORT(spin_fma);
HWY_EXPORT(lanes);
HWY_EXPORT(target);

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& f) {
  const auto begin = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

double fma_peak() {
  constexpr std::size_t kSteps = 400'000;
  const auto count = static_cast<std::size_t>(threads());
  std::vector<double> sums(count);
  const double seconds = seconds_of([&] {
    parallel_for(count, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) sums[i] = HWY_DYNAMIC_DISPATCH(spin_fma)(kSteps);
    });
  });
  volatile double keep = 0;
  for (const double s : sums) keep = keep + s;
  const auto width = static_cast<double>(HWY_DYNAMIC_DISPATCH(lanes)());
  return 2.0 * width * 12 * kSteps * static_cast<double>(count) / seconds;
}

double copy_bandwidth() {
  constexpr std::size_t kBytes = std::size_t{128} << 20;
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  static Workspace<char> from(kBytes), to(kBytes);
  static const bool touched = [] {
    std::memset(from.data(), 1, kBytes);
    std::memset(to.data(), 2, kBytes);
    return true;
  }();
  static_cast<void>(touched);
  const double seconds = seconds_of([] {
    parallel_for(kBytes / kPiece, [](std::size_t begin, std::size_t end) {
      std::memcpy(to.data() + begin * kPiece, from.data() + begin * kPiece, (end - begin) * kPiece);
    });
  });
  return 2.0 * kBytes / seconds;
}

std::string simd_name() {
  return HWY_DYNAMIC_DISPATCH(target)();
}

}  // namespace tinct::bench
#endif  // HWY_ONCE
