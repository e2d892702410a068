// The table of configuration keys.
#pragma once

#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "train/config.h"

namespace tinct {

struct ConfigKey {
  std::string name;  ///< "train.batch"
  std::variant<long*, double*, bool*, std::string*> target;
  std::string help;
  double least = -kMost, most = kMost;    ///< for numbers
  std::vector<std::string> choices = {};  ///< for strings; empty: any

  static constexpr double kMost = std::numeric_limits<double>::infinity();
};

/// Every key, section by section; their targets are members of `config`.
std::vector<ConfigKey> config_keys(TrainConfig& config);

}  // namespace tinct
