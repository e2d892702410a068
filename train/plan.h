// What a run will need: parameters, memory, time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "train/trainer.h"

namespace tinct {

struct Plan {
  std::size_t parameters = 0;      ///< trainable numbers
  std::size_t weight_bytes = 0;    ///< weights and buffers
  std::size_t state_bytes = 0;     ///< gradients, optimizer state, averages
  std::size_t sample_bytes = 0;    ///< activations of one sample, from steps on one and on two
  std::size_t predicted_peak = 0;  ///< of a step on a whole batch, from those
  std::size_t measured_peak = 0;   ///< of a real step, in tinct's own allocator
  std::uint64_t cache_bytes = 0;   ///< on disk, for what frozen layers answer; not by make_plan
  std::size_t cache_samples = 0;   ///< that are kept there
  double step_ms = 0;              ///< the median of three, after one to warm up
};

/// Takes real steps on real batches; the learner is of no further use.
Plan make_plan(const TrainConfig& config, Learner& learner, const TrainSources& sources);

}  // namespace tinct
