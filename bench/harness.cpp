// Timing and reporting.
#include "bench/harness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <thread>

#include "core/random.h"

namespace tinct::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& run, int times) {
  const auto begin = Clock::now();
  for (int i = 0; i < times; ++i) run();
  return std::chrono::duration<double>(Clock::now() - begin).count() / times;
}

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

double best(const std::vector<double>& v) {
  return v.empty() ? 0 : *std::max_element(v.begin(), v.end());
}

// By then the other side's threads have stopped waiting busily for more work.
constexpr std::chrono::milliseconds kPause(5);

// The first run warms the caches and counts for nothing; the second tells how often to run for a
// sample that a clock can time.
int repeats(const Side& side) {
  constexpr double kSample = 0.01;
  side.run();
  return std::clamp(static_cast<int>(kSample / std::max(seconds_of(side.run, 1), 1e-7)), 1, 10000);
}

void print(const Result& r) {
  std::printf("%-22s %-30s", r.group.c_str(), r.name.c_str());
  for (const Measurement& m : r.sides) {
    std::printf("  %s %.3f ms", m.side.c_str(), m.seconds * 1e3);
    if (r.flops > 0) {
      std::printf(" %.0f GFLOP/s %.0f%%", r.flops / m.seconds * 1e-9,
                  100 * r.flops / m.seconds / r.peak_flops);
    }
    if (r.bytes > 0) {
      std::printf(" %.1f GB/s %.0f%%", r.bytes / m.seconds * 1e-9,
                  100 * r.bytes / m.seconds / r.copy_bytes);
    }
  }
  for (std::size_t i = 1; i < r.sides.size(); ++i) {
    std::printf("  | x%.2f of %s", r.sides[i].seconds / r.sides[0].seconds,
                r.sides[i].side.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
}

std::vector<std::pair<std::string, void (*)(Bench&)>>& registered() {
  static std::vector<std::pair<std::string, void (*)(Bench&)>> list;
  return list;
}

}  // namespace

bool Bench::wants(const std::string& group, const std::string& name) const {
  return (group + "/" + name).find(filter_) != std::string::npos;
}

void Bench::run(const Case& work) {
  if (!wants(work.group, work.name)) return;
  std::vector<int> times;
  for (const Side& side : work.sides) times.push_back(repeats(side));
  if (work.check) {
    const std::string error = work.check();
    if (!error.empty()) throw std::runtime_error(work.group + "/" + work.name + ": " + error);
  }
  std::vector<double> peaks, copies;
  std::vector<std::vector<double>> samples(work.sides.size());
  for (int round = 0; round < rounds_; ++round) {
    if (work.flops > 0) peaks.push_back(fma_peak());
    if (work.bytes > 0) copies.push_back(copy_bandwidth());
    // Alternating, and the first to go changes too.
    for (std::size_t i = 0; i < work.sides.size(); ++i) {
      const std::size_t side = (i + static_cast<std::size_t>(round)) % work.sides.size();
      std::this_thread::sleep_for(kPause);
      work.sides[side].run();
      samples[side].push_back(seconds_of(work.sides[side].run, times[side]));
    }
  }
  Result result{work.group, work.name, work.flops, work.bytes, best(peaks), best(copies), {}};
  for (std::size_t i = 0; i < work.sides.size(); ++i) {
    result.sides.push_back({work.sides[i].name, median(samples[i]),
                            *std::min_element(samples[i].begin(), samples[i].end())});
  }
  print(result);
  results_.push_back(std::move(result));
}

void Bench::print_means() const {
  struct Logs {
    double median = 0, best = 0;
    int cases = 0;
  };
  std::map<std::string, Logs> groups;
  for (const Result& r : results_) {
    const Measurement& ours = r.sides[0];
    for (std::size_t i = 1; i < r.sides.size(); ++i) {
      const Measurement& peer = r.sides[i];
      Logs& logs = groups[r.group + ": " + ours.side + " against " + peer.side];
      logs.median += std::log(peer.seconds / ours.seconds);
      logs.best += std::log(peer.best / ours.best);
      ++logs.cases;
    }
  }
  for (const auto& [name, logs] : groups) {
    std::printf("geometric mean, %s: x%.3f (of the shortest samples: x%.3f; %d cases)\n",
                name.c_str(), std::exp(logs.median / logs.cases), std::exp(logs.best / logs.cases),
                logs.cases);
  }
}

Register::Register(const char* name, void (*body)(Bench&)) {
  registered().emplace_back(name, body);
}

void run_registered(Bench& bench) {
  std::sort(registered().begin(), registered().end());
  for (const auto& [name, body] : registered()) body(bench);
}

std::string compare(const float* a, const float* b, std::size_t count, double tolerance) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double d = double{a[i]} - b[i];
    difference += d * d;
    norm += double{b[i]} * b[i];
  }
  const double error = std::sqrt(difference / norm);
  if (!(error <= tolerance)) return "relative difference " + std::to_string(error);
  return "";
}

std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  const Random random(seed, Purpose::bench);
  std::vector<float> v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = 2 * random.uniform(i) - 1;
  return v;
}

}  // namespace tinct::bench
