// Checking, timing and printing.
#include "bench/gpu/harness.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"

namespace tinct::bench {
namespace {

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

double cold_seconds(const GpuSide& side) {
  Stopwatch watch;
  flush_cache();
  hold_back();
  watch.start();
  side.run();
  watch.stop();
  return watch.seconds();
}

// How many more samples after the first: few of a slow side, whose noise is smaller, for a card's
// time is dear.
int more_rounds(double seconds, int most) {
  constexpr double kBudget = 0.15;
  return std::clamp(static_cast<int>(kBudget / std::max(seconds, 1e-7)), 1, most) - 1;
}

bool of_vendor(const std::string& side) {
  return side.rfind("cudnn", 0) == 0 || side.rfind("cublas", 0) == 0;
}

// A side under way.
struct Running {
  const GpuSide* side;
  GpuMeasurement measurement;
  std::vector<double> samples;
  int rounds;
};

// Runs it once to see what it computes, and once against the clock.
Running check(const GpuCase& work, const GpuWork& prepared, const GpuSide& side) {
  prepared.poison();
  side.run();
  GpuMeasurement m{side.name, 0, 0, prepared.error(), false};
  m.right = m.error <= (side.tolerance > 0 ? side.tolerance : work.tolerance);
  return {&side, m, {cold_seconds(side)}, 0};
}

}  // namespace

double GpuBench::percent_of_peak(const GpuCase& work, double seconds) const {
  if (!(seconds > 0)) return 0;
  if (work.flops > 0) {
    const double peak = work.precision == "bf16" ? peaks_.mma_flops : peaks_.fma_flops;
    return peak > 0 ? 100 * work.flops / seconds / peak : 0;
  }
  return peaks_.copy_bytes > 0 ? 100 * work.bytes / seconds / peaks_.copy_bytes : 0;
}

void GpuBench::run(const GpuCase& work, const std::function<GpuWork()>& prepare) {
  const std::string title = work.group + "/" + work.name + " " + work.precision;
  if (title.find(options_.filter) == std::string::npos) return;
  GpuResult result{work, "", {}};
  if (options_.list) {
    results_.push_back(std::move(result));
    return;
  }
  const GpuWork prepared = prepare();
  result.taken = prepared.taken;
  std::vector<Running> all;
  for (const GpuSide& side : prepared.sides) {
    try {
      all.push_back(check(work, prepared, side));
    } catch (const DeviceError& e) {
      std::fprintf(stderr, "%s, %s: %s\n", title.c_str(), side.name.c_str(), e.what());
      if (!of_vendor(side.name)) ++wrong_;
    }
  }
  int most = 0;
  for (Running& r : all) {
    if (!r.measurement.right) ++wrong_;
    r.rounds = options_.smoke ? 0 : more_rounds(r.samples[0], options_.rounds);
    most = std::max(most, r.rounds);
  }
  for (int round = 0; round < most; ++round) {
    for (Running& r : all) {
      if (round < r.rounds) r.samples.push_back(cold_seconds(*r.side));
    }
  }
  for (Running& r : all) {
    GpuMeasurement& m = r.measurement;
    m.seconds = median(r.samples);
    m.best = *std::min_element(r.samples.begin(), r.samples.end());
    std::printf("%-28s %-30s %-4s %-16s %9.4f ms %5.1f%%  error %.1e%s\n", work.group.c_str(),
                work.name.c_str(), work.precision.c_str(), m.side.c_str(), m.seconds * 1e3,
                percent_of_peak(work, m.seconds), m.error, m.right ? "" : "  WRONG");
    result.sides.push_back(m);
  }
  std::fflush(stdout);
  results_.push_back(std::move(result));
  if (options_.save && results_.size() % 16 == 0) options_.save(*this);
}

}  // namespace tinct::bench
