// Weighted sums of runs of floats.
#include "kernels/weighted_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/weighted_sums.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `vectors` neighbouring vectors, `at` floats into a run.
template <std::size_t vectors, class D>
HWY_INLINE void sum_vectors(D d, const SumSources& sources, std::size_t p, std::size_t at, bool add,
                            float* out) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> total[vectors];
  for (std::size_t v = 0; v < vectors; ++v) {
    total[v] = add ? hn::LoadU(d, out + at + v * lanes) : hn::Zero(d);
  }
  for (std::size_t s = 0; s < sources.count; ++s) {
    const WeightedSums& sums = *sources.first[s].sums;
    for (std::size_t k = sums.begin[p]; k < sums.begin[p + 1]; ++k) {
      const auto weight = hn::Set(d, sums.weight[k]);
      const float* from = sources.first[s].in + sums.offset[k] + at;
      for (std::size_t v = 0; v < vectors; ++v) {
        total[v] = hn::MulAdd(weight, hn::LoadU(d, from + v * lanes), total[v]);
      }
    }
  }
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(total[v], d, out + at + v * lanes);
}

// Sum p of all sources, added to the run of floats at `out` or stored there.
HWY_INLINE void sum_run(const SumSources& sources, std::size_t p, std::size_t length, bool add,
                        float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + 8 * lanes <= length; i += 8 * lanes) sum_vectors<8>(d, sources, p, i, add, out);
  for (; i + lanes <= length; i += lanes) sum_vectors<1>(d, sources, p, i, add, out);
  for (; i < length; ++i) sum_vectors<1>(hn::CappedTag<float, 1>(), sources, p, i, add, out);
}

// Sum p of each run.
void sum_runs(const WeightedSums& sums, std::size_t p, const SumRuns& runs, const float* in,
              float* out) {
  for (std::size_t run = 0; run < runs.count; ++run, in += runs.in_step, out += runs.out_step) {
    const SumSource source{&sums, in};
    sum_run({&source, 1}, p, runs.length, false, out);
  }
}

// Sums `range` of all sources, added to runs `step` floats apart.
void add_range(const SumSources& sources, SumRange range, std::size_t length, float* out,
               std::size_t step) {
  for (std::size_t p = range.begin; p < range.end; ++p, out += step) {
    sum_run(sources, p, length, true, out);
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {

HWY_EXPORT(sum_runs);
HWY_EXPORT(add_range);

void sum_runs(const WeightedSums& sums, std::size_t p, const SumRuns& runs, const float* in,
              float* out) {
  HWY_DYNAMIC_DISPATCH(sum_runs)(sums, p, runs, in, out);
}

void add_range(const SumSources& sources, SumRange range, std::size_t length, float* out,
               std::size_t step) {
  HWY_DYNAMIC_DISPATCH(add_range)(sources, range, length, out, step);
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
