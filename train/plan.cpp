// The dry run: a few real steps, measured.
#include "train/plan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "core/memory.h"

namespace tinct {
namespace {

Tensor first_samples(const Tensor& t, std::size_t count) {
  const Shape s = t.shape();
  Tensor out({std::min(count, s.n), s.h, s.w, s.c}, t.dtype(), t.device());
  if (t.dtype() == DType::u8) {
    copy(out.u8(), out.device(), t.u8(), t.device(), out.bytes());
  } else {
    copy(out.f32(), out.device(), t.f32(), t.device(), out.bytes());
  }
  return out;
}

std::vector<Batch> small_batch(const Batch& batch, std::size_t count) {
  Batch small;
  if (batch.rgb.defined()) small.rgb = first_samples(batch.rgb, count);
  small.lightness = first_samples(batch.lightness, count);
  small.ab = first_samples(batch.ab, count);
  return {small};
}

// Bytes in use at the worst moment of a step, beyond what was in use before it. The least of three:
// the loader may be filling its queue meanwhile.
std::size_t peak_of_step(Learner& learner, const std::vector<Batch>& batches) {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = memory_use(learner.device()).in_use;
    reset_memory_peak(learner.device());
    learner.step(batches);
    const std::size_t peak = memory_use(learner.device()).peak;
    least = std::min(least, peak > before ? peak - before : 0);
  }
  return least;
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
    batches.push_back(learner.develop(sources.batches(static_cast<std::uint64_t>(i))));
  }
  // Two small steps give what a sample costs; the very first builds caches.
  learner.step(small_batch(batches.front(), 1));
  const std::size_t one = peak_of_step(learner, small_batch(batches.front(), 1));
  const std::size_t two = peak_of_step(learner, small_batch(batches.front(), 2));
  plan.sample_bytes = two > one ? two - one : one;
  const std::size_t fixed = plan.weight_bytes + plan.state_bytes;
  plan.predicted_peak =
      fixed - gradient_bytes + one + plan.sample_bytes * (batches.front().lightness.shape().n - 1);
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
