// The benchmark harness: alternating sides, medians, and the machine's own peaks measured beside
// them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tinct::bench {

/// One way to do the work of a case.
struct Side {
  std::string name;  ///< "tinct", "onednn", ...
  std::function<void()> run;
};

/// A piece of work and the ways to do it. The first side is ours; the others are peers, and ratios
/// are time(peer) / time(ours): above one, ours is faster.
struct Case {
  std::string group;  ///< "conv2d/forward": geometric means are taken over a group
  std::string name;   ///< "conv3_2 256->256 56x56 b1"
  double flops = 0;   ///< of one run; 0 where bandwidth is what counts
  double bytes = 0;   ///< that one run must move at the least; 0 where arithmetic is what counts
  std::vector<Side> sides;
  /// Called once, after each side has run once: empty when their results agree, else what differs.
  std::function<std::string()> check;
};

struct Measurement {
  std::string side;
  double seconds = 0;  ///< median of one run
  double best = 0;     ///< the shortest sample: what counts where other programs disturb
};

struct Result {
  std::string group, name;
  double flops = 0, bytes = 0;
  double peak_flops = 0;  ///< per second, all threads, the best of probes taken between the runs
  double copy_bytes = 0;  ///< per second, read plus written, all threads, likewise
  std::vector<Measurement> sides;
};

/// Runs cases, prints a line for each, and remembers the results.
class Bench {
 public:
  Bench(std::string filter, int rounds) : filter_(std::move(filter)), rounds_(rounds) {}

  /// Whether the filter (a piece of "group/name") leaves anything of it; ask before preparing data.
  bool wants(const std::string& group, const std::string& name) const;
  /// Checks, times and prints. Throws std::runtime_error when the check fails.
  void run(const Case& work);
  /// Prints the geometric mean of each group's ratios.
  void print_means() const;
  const std::vector<Result>& results() const { return results_; }

 private:
  std::string filter_;
  int rounds_;
  std::vector<Result> results_;
};

/// Declares a set of cases: `static const Register conv{"conv2d", run_conv};` in a file of bench/.
struct Register {
  Register(const char* name, void (*body)(Bench&));
};
/// Runs all that was registered, by name.
void run_registered(Bench& bench);

/// "" when ||a - b|| / ||b|| <= tolerance in double, else the figure; NaN never passes.
std::string compare(const float* a, const float* b, std::size_t count, double tolerance);

/// Random numbers in [-1, 1).
std::vector<float> random_floats(std::size_t count, std::uint64_t seed);

/// Floating-point operations per second of independent fused multiply-adds on all threads; takes
/// some milliseconds.
double fma_peak();
/// Bytes per second, read plus written, of a copy too large for the caches, on all threads.
double copy_bandwidth();
/// The instruction set in use: "AVX3", "AVX2", ...
std::string simd_name();

}  // namespace tinct::bench
