// Learning-rate schedules.
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace tinct {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument("Schedule: " + what);
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& o) : options_(o) {
  require(o.name == "constant" || o.name == "step" || o.name == "plateau" || o.name == "cosine",
          "no schedule '" + o.name + "'; there are constant, step, plateau and cosine");
  require(o.warmup >= 0, "warmup must be at least 0");
  require(o.minimum >= 0 && o.minimum <= 1, "minimum must be in [0, 1]");
  require(o.every > 0, "every must be at least 1");
  require(o.gamma > 0 && o.gamma <= 1, "gamma must be in (0, 1]");
  require(o.patience >= 0, "patience must be at least 0");
  require(o.threshold >= 0 && o.threshold < 1, "threshold must be in [0, 1)");
}

double Schedule::factor(long step) const {
  const ScheduleOptions& o = options_;
  if (step < o.warmup) {
    return state_.factor * static_cast<double>(step + 1) / static_cast<double>(o.warmup);
  }
  if (o.name == "step")
    return std::pow(o.gamma, std::floor(static_cast<double>(step) / static_cast<double>(o.every)));
  if (o.name == "cosine") {
    const double length = static_cast<double>(std::max(1L, o.total - o.warmup));
    const double t = std::min(1.0, static_cast<double>(step - o.warmup) / length);
    return o.minimum + (1 - o.minimum) * 0.5 * (1 + std::cos(std::numbers::pi * t));
  }
  return state_.factor;  // plateau; 1 for constant
}

void Schedule::observe(double metric) {
  if (options_.name != "plateau") return;
  if (metric < state_.best * (1 - options_.threshold)) {
    state_.best = metric;
    state_.waited = 0;
  } else if (++state_.waited > options_.patience) {
    state_.factor = std::max(options_.minimum, state_.factor * options_.gamma);
    state_.waited = 0;
  }
}

}  // namespace tinct
