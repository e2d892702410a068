// A training run from its first or its saved step to its last: logs, samples, validation,
// checkpoints.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/health.h"
#include "train/learner.h"
#include "train/log.h"
#include "train/run_folder.h"
#include "train/tensorboard.h"
#include "train/validate.h"

namespace tinct {

/// Where a run's data come from.
struct TrainSources {
  std::function<Batch(std::uint64_t index)> batches;  ///< a pure function of the index
  std::size_t epoch_size = 0;                         ///< samples; 0: unknown
  const ValidationSet* validation = nullptr;          ///< may be absent or empty
  std::pair<double, double> mean_ab;                  ///< of the training pictures
  Metadata metadata;                                  ///< carried in all weights that are written
};

struct StepReport {
  long step = 0;  ///< steps done
  StepResult result;
  double ms = 0;  ///< of the whole step
  double starved_ms = 0;
  double images_per_second = 0;
  std::optional<Validation> validation;
};

enum class Request { none, checkpoint, stop };

/// How a run talks to whoever started it; each may be empty.
struct TrainHooks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const std::string&)> on_warning;
  std::function<Request()> poll;  ///< asked after every step
};

struct TrainOutcome {
  long step = 0;
  bool finished = false;
  double loss = 0;  ///< of the last step taken
  Best best;
  std::optional<Validation> validation;  ///< the last one
};

class Trainer {
 public:
  /// Restores the run's checkpoint when it has one. `run` and what `sources` points to must outlive
  /// the trainer.
  Trainer(const TrainConfig& config, Learner& learner, TrainSources sources, RunFolder& run,
          TrainHooks hooks = {});

  /// Runs to train.steps or until asked to stop; the state is then saved. Throws NumericError and
  /// OutOfMemory (the last checkpoint stays), and IoError when three checkpoints in a row, or the
  /// last, cannot be written.
  TrainOutcome run();

 private:
  void loop();
  bool due(long every) const;
  /// What the step of that number takes.
  struct Fetched {
    std::vector<Batch> batches;
    std::vector<StepInput> inputs;
  };
  Fetched fetch(long step);
  StepReport take_step();
  void check_health(const Batch& batch);
  void validate_now(StepReport& report);
  void write_samples();
  void write_log(const StepReport& report);
  void log_failure(const std::exception& error);
  void save(bool must_succeed);
  void save_last();
  Metadata metadata() const;
  void write_curves();
  void warn(const std::string& message);

  TrainConfig config_;
  Learner& learner_;
  TrainSources sources_;
  RunFolder& run_;
  TrainHooks hooks_;
  RunLog log_;
  TensorBoardFile tensorboard_;
  HealthMonitor health_;
  std::optional<Fetched> ahead_;       // fetched while a device was at work
  std::vector<std::string> warnings_;  // of the step under way
  long saved_step_ = -1;
  int failed_saves_ = 0;
  TrainOutcome outcome_;
};

/// The class weights of loss.rebalance from up to `most` training pictures, (1,1,1,q); empty when
/// the loss has none.
Tensor class_weights(const TrainConfig& config, const ModelInfo& info, const Dataset& dataset,
                     const std::vector<std::size_t>& pictures, std::size_t most = 256);

/// The bins of a grid of spacing 10 that are nearest to at least `least_share` of the pixels of up
/// to `most` pictures, (1,1,q,2), a ascending, then b; (0,0) is always among them. Throws DataError
/// when only that one is left.
Tensor bins_in_use(const Dataset& dataset, const std::vector<std::size_t>& pictures,
                   double least_share, std::size_t most = 1024);

}  // namespace tinct
