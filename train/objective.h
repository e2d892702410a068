// What a run minimises: the loss that its configuration names, on a network's output.
#pragma once

#include "layers/loss.h"
#include "models/model.h"
#include "train/config.h"
#include "train/loader.h"

namespace tinct {

/// What a network's output is compared with; the loss decides which are there.
struct LossTarget {
  Tensor colour;      ///< in the units of the head
  SparseTarget bins;  ///< of a binned head
  Tensor luma, rgb;   ///< of Dahl's loss

  /// Each of them under `f`, which takes and gives a tensor.
  template <class F>
  LossTarget map(F&& f) const {
    return {f(colour), {f(bins.index), f(bins.weight)}, f(luma), f(rgb)};
  }
};

class Objective {
 public:
  /// `class_weights` (1,1,1,q) may be empty. Throws std::invalid_argument when the loss does not
  /// suit the head.
  Objective(const TrainConfig::Loss& options, const ModelInfo& info, Tensor class_weights = {});

  /// Of a batch, for an output of h x w, where the batch is.
  LossTarget target(const Batch& batch, std::size_t h, std::size_t w) const;
  /// A scalar, of the network's output for training_input(batch). Both, and the class weights, are
  /// on one device.
  Value operator()(const Value& output, const LossTarget& target) const;
  Value operator()(const Value& output, const Batch& batch) const;
  void move_to(Device device) {
    class_weights_ = class_weights_.to(device);
    info_.bins = info_.bins.to(device);
  }
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
