// What a run minimises: the loss that its configuration names, on a network's output.
#pragma once

#include "models/model.h"
#include "train/config.h"
#include "train/loader.h"

namespace tinct {

class Objective {
 public:
  /// `class_weights` (1,1,1,q) may be empty. Throws std::invalid_argument when the loss does not
  /// suit the head.
  Objective(const TrainConfig::Loss& options, const ModelInfo& info, Tensor class_weights = {});

  /// A scalar, of the network's output for training_input(batch).
  Value operator()(const Value& output, const Batch& batch) const;
  /// With "auto" resolved.
  const std::string& name() const { return options_.name; }

 private:
  TrainConfig::Loss options_;
  ModelInfo info_;
  Tensor class_weights_;
};

/// ab (n,h,w,2) averaged down to (n,oh,ow,2), both sides by the same whole factor.
Tensor shrink_ab(const Tensor& ab, std::size_t oh, std::size_t ow);

}  // namespace tinct
