// The GPU benchmark's harness: every side of a case is checked against float64, then timed by
// events with a cold L2 cache, the sides taking turns.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bench/gpu/stopwatch.h"

namespace tinct::bench {

/// A piece of work.
struct GpuCase {
  std::string group;      ///< "conv2d/forward"
  std::string name;       ///< "conv3_2 256->256 56 b4"
  std::string precision;  ///< of storage: "f32" or "bf16"
  double flops = 0;       ///< of one run; 0 where bandwidth is what counts
  double bytes = 0;       ///< that one run must move at the least, each number read or written once
  /// Extents by name, from which bench/peers/gpu_ops.py does the same work.
  std::map<std::string, std::size_t> sizes;
  double tolerance = 2e-5;  ///< of the error against float64
};

/// One way to do it.
struct GpuSide {
  std::string name;  ///< a rung's, "tinct" for the last, "cudnn", "cublas"
  std::function<void()> run;
  double tolerance = 0;  ///< other than the case's, unless 0
};

/// The ways to do it on prepared data; all write to the same place.
struct GpuWork {
  std::vector<GpuSide> sides;
  std::function<void()> poison;   ///< makes the result NaN
  std::function<double()> error;  ///< of the result: max |got - expected| / max |expected|
  std::string taken = "tinct";    ///< the side that training and inference use
};

struct GpuMeasurement {
  std::string side;
  double seconds = 0;  ///< the median
  double best = 0;
  double error = 0;
  bool right = false;  ///< the error is within the tolerance
};

struct GpuResult {
  GpuCase work;
  std::string taken;
  std::vector<GpuMeasurement> sides;
};

class GpuBench {
 public:
  struct Options {
    std::string filter;  ///< a piece of "group/name precision"
    int rounds = 25;     ///< samples of a side, fewer of a slow one
    bool smoke = false;  ///< small extents and one round: whether everything runs and agrees
    bool list = false;   ///< only names the cases
    /// Called now and then, so that what is measured stays when the time is up.
    std::function<void(const GpuBench&)> save;
  };
  explicit GpuBench(Options options) : options_(std::move(options)) {}

  bool smoke() const { return options_.smoke; }
  /// An extent, or what is left of it in a smoke run.
  std::size_t extent(std::size_t full, std::size_t small) const {
    return options_.smoke && full > small ? small : full;
  }
  /// Prepares the data when the filter leaves the case, checks, times, prints a line a side. A side
  /// that cannot run is left out, and counts as wrong unless it is a vendor's.
  void run(const GpuCase& work, const std::function<GpuWork()>& prepare);

  void set_peaks(const Peaks& peaks) { peaks_ = peaks; }
  const Peaks& peaks() const { return peaks_; }
  const std::vector<GpuResult>& results() const { return results_; }
  /// Of the best rate that the case could have: multiply-adds or tensor cores, by its precision, or
  /// copying. In percent; 0 in the simulator.
  double percent_of_peak(const GpuCase& work, double seconds) const;
  /// Sides whose results were wrong.
  int wrong() const { return wrong_; }

 private:
  Options options_;
  Peaks peaks_;
  std::vector<GpuResult> results_;
  int wrong_ = 0;
};

}  // namespace tinct::bench
