// The dry run: a few real steps, measured.
#include "train/plan.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/memory.h"

namespace tinct {
namespace {

Tensor first_sample(const Tensor& t) {
  const Shape s = t.shape();
  Tensor out({1, s.h, s.w, s.c});
  std::copy_n(t.f32(), out.size(), out.f32());
  return out;
}

// Bytes in use at the worst moment of a step, beyond what was in use before it.
std::size_t peak_of_step(Learner& learner, const std::vector<Batch>& batches) {
  const std::size_t before = memory_use().in_use;
  reset_memory_peak();
  learner.step(batches);
  return memory_use().peak - before;
}

}  // namespace

Plan make_plan(const TrainConfig& config, Learner& learner, const TrainSources& sources) {
  Plan plan;
  for (const Parameter& p : learner.model().parameters) {
    if (!p.buffer && p.value.requires_grad()) plan.parameters += p.value.data().size();
  }
  plan.weight_bytes = learner.weight_bytes();
  plan.state_bytes = learner.state_bytes();
  const std::size_t gradient_bytes = plan.parameters * sizeof(float);

  std::vector<Batch> batches;
  for (long i = 0; i < config.train.accumulate; ++i) {
    batches.push_back(sources.batches(static_cast<std::uint64_t>(i)));
  }
  Batch one;
  one.lightness = first_sample(batches.front().lightness);
  one.ab = first_sample(batches.front().ab);
  learner.step({one});  // the first step of all builds caches
  const std::size_t peak_of_one = peak_of_step(learner, {one});
  plan.sample_bytes = peak_of_one > gradient_bytes ? peak_of_one - gradient_bytes : 0;
  const std::size_t fixed = plan.weight_bytes + plan.state_bytes;
  plan.predicted_peak = fixed + plan.sample_bytes * batches.front().lightness.shape().n;
  plan.measured_peak = fixed - gradient_bytes + peak_of_step(learner, batches);

  std::array<double, 3> times{};
  for (double& ms : times) {
    const auto start = std::chrono::steady_clock::now();
    learner.step(batches);
    ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
  std::sort(times.begin(), times.end());
  plan.step_ms = times[1];
  return plan;
}

}  // namespace tinct
