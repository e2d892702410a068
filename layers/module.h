// What modules share: named parameters, and the mode of a forward pass.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/autograd.h"

namespace tinct {

/// A value that a model owns: a weight, or a buffer such as a running mean (never touched by the
/// optimizer).
struct Parameter {
  std::string name;  ///< "encoder1.conv1.weight"
  Value value;
  bool buffer = false;
};
using Parameters = std::vector<Parameter>;

/// How a forward pass is to run.
struct Mode {
  bool training = false;
  /// For dropout: with these, a step's randomness is a pure function of where the run stands.
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};

}  // namespace tinct
