// What a training step changes: weights, optimizer, averages, schedule; and saving all of it.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/develop.h"
#include "train/ema.h"
#include "train/feature_cache.h"
#include "train/loader.h"
#include "train/objective.h"
#include "train/upload.h"

namespace tinct {

struct StepResult {
  double loss = 0;       ///< mean over the accumulated batches
  double grad_norm = 0;  ///< before clipping
  double lr = 0;
};

/// The best validation so far.
struct Best {
  double mse_ab = std::numeric_limits<double>::infinity();
  long step = 0;
};

/// A batch as a step takes it, where the model is.
struct StepInput {
  Tensor input;
  LossTarget target;
};

class Learner {
 public:
  /// Moves the model to the device. Throws std::invalid_argument for settings that cannot be.
  Learner(const TrainConfig& config, Model model, Tensor class_weights = {},
          Device device = Device::cpu);

  /// The batch where the model is (train/develop.h), on its way there while the device works.
  Batch develop(const Batch& batch) { return tinct::develop(batch, upload_); }
  /// Inputs and targets of a batch, developed first where it is not.
  StepInput prepare(const Batch& batch);
  /// One optimizer step on the mean loss of the inputs. `meanwhile`, unless empty, is called while
  /// a device works on the gradients. Throws NumericError naming the place when loss or gradient is
  /// not finite; the weights are then as before.
  StepResult step(const std::vector<StepInput>& inputs,
                  const std::function<void()>& meanwhile = {});
  StepResult step(const std::vector<Batch>& batches);

  long steps() const { return steps_; }
  Device device() const { return device_; }
  Model& model() { return model_; }
  /// From now on frozen layers are asked through this, which must outlive the learner.
  void use(FeatureCache& cache) { cache_ = &cache; }
  const Objective& objective() const { return objective_; }
  Schedule& schedule() { return schedule_; }
  Ema* ema() { return ema_.get(); }
  Best best;

  /// Everything that the next step depends on.
  std::vector<CheckpointFile> checkpoint_files(const Metadata& metadata);
  /// Throws WeightsError when the checkpoint is of another architecture or configuration.
  void restore(const Checkpoint& checkpoint);

  /// Bytes of weights and buffers; of gradients, optimizer state and averages.
  std::size_t weight_bytes() const;
  std::size_t state_bytes() const;

 private:
  double add_gradients(const StepInput& input, std::size_t index);
  Mode mode_of(std::size_t index) const;
  [[noreturn]] void fail(const std::string& what, const StepInput& input, std::size_t index);

  TrainConfig config_;
  Model model_;
  Objective objective_;
  Optimizer optimizer_;
  Schedule schedule_;
  Device device_;
  Uploader upload_;
  std::unique_ptr<Ema> ema_;
  FeatureCache* cache_ = nullptr;
  long steps_ = 0;
};

}  // namespace tinct
