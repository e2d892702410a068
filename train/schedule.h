// Learning-rate schedules: a factor on the base rate for every step.
#pragma once

#include <limits>
#include <string>

namespace tinct {

struct ScheduleOptions {
  std::string name = "cosine";  ///< "constant", "step", "plateau" or "cosine"
  long warmup = 0;              ///< steps of linear warm-up: (step + 1) / warmup
  long total = 1;               ///< cosine: the step at which the factor has reached `minimum`
  double minimum = 0;           ///< cosine, plateau: the factor never goes below
  long every = 1000;            ///< step: steps between two drops
  double gamma = 0.1;           ///< step, plateau: factor of a drop
  long patience = 5;            ///< plateau: validations without improvement before a drop
  double threshold = 1e-4;      ///< plateau: relative improvement that counts
};

/// What a schedule remembers; only plateau has any of it.
struct ScheduleState {
  double factor = 1;
  double best = std::numeric_limits<double>::infinity();
  long waited = 0;
  friend bool operator==(const ScheduleState&, const ScheduleState&) = default;
};

class Schedule {
 public:
  /// Throws std::invalid_argument for an unknown name or a setting out of range.
  explicit Schedule(const ScheduleOptions& options);

  /// For the step numbered from 0.
  double factor(long step) const;
  /// Tells plateau the outcome of a validation (smaller is better; NaN counts as no improvement).
  void observe(double metric);

  const ScheduleState& state() const { return state_; }
  void restore(const ScheduleState& state) { state_ = state; }

 private:
  ScheduleOptions options_;
  ScheduleState state_;
};

}  // namespace tinct
