// Weighted sums of runs of floats, for kernels that gather.
#pragma once

#include <cstddef>
#include <vector>

namespace tinct {

/// Sum p is that of weight[k] * (the run of floats at in + offset[k]), k in [begin[p], begin[p +
/// 1]).
struct WeightedSums {
  std::vector<std::size_t> begin = {0};
  std::vector<std::size_t> offset;
  std::vector<float> weight;

  void add(std::size_t at, float factor) {
    if (factor == 0) return;
    offset.push_back(at);
    weight.push_back(factor);
  }
  void end() { begin.push_back(offset.size()); }
};

/// Sums and where they read. Several are added up.
struct SumSource {
  const WeightedSums* sums;
  const float* in;
};
struct SumSources {
  const SumSource* first;
  std::size_t count;
};

/// [begin, end).
struct SumRange {
  std::size_t begin, end;
};

/// Runs of floats, `count` of them, from `in` and to `out`, where they begin so many floats apart.
struct SumRuns {
  std::size_t length, count, in_step, out_step;
};

namespace cpu {

/// Sum p of each run.
void sum_runs(const WeightedSums& sums, std::size_t p, const SumRuns& runs, const float* in,
              float* out);
/// Sums `range` of all sources, added to runs of `length` floats that begin `step` apart.
void add_range(const SumSources& sources, SumRange range, std::size_t length, float* out,
               std::size_t step);

}  // namespace cpu
}  // namespace tinct
