// What the configuration says to the optimizer, the schedule and the network.
#include <charconv>
#include <stdexcept>

#include "train/config.h"

namespace tinct {

OptimizerOptions optimizer_options(const TrainConfig& config) {
  OptimizerOptions options = config.optim;
  options.epsilon_placement =
      config.epsilon_placement == "keras" ? AdamEpsilon::raw : AdamEpsilon::corrected;
  if (config.model.finetune > 0) options.lr_factors.emplace("vgg.", config.model.finetune);
  return options;
}

ScheduleOptions schedule_options(const TrainConfig& config) {
  ScheduleOptions options = config.schedule;
  options.total = config.train.steps;
  return options;
}

ModelOptions model_options(const TrainConfig& config) {
  const TrainConfig::Network& n = config.model;
  ModelOptions options;
  options.finetune = n.finetune > 0;
  options.dropout = static_cast<float>(n.dropout);
  options.blocks = static_cast<std::size_t>(n.blocks);
  options.stride = static_cast<std::size_t>(n.stride);
  options.members = static_cast<std::size_t>(n.members);
  const char* at = n.widths.data();
  const char* end = at + n.widths.size();
  for (std::size_t i = 0; i < options.widths.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, options.widths[i]);
    const bool last = i + 1 == options.widths.size();
    if (error != std::errc{} || (last ? next != end : next == end || *next != ',')) {
      throw std::invalid_argument("model.widths = \"" + n.widths +
                                  "\": five whole numbers are needed, separated by commas");
    }
    at = last ? next : next + 1;
  }
  return options;
}

}  // namespace tinct
