// An exponential moving average of a model's weights and buffers.
#pragma once

#include <vector>

#include "core/safetensors.h"
#include "layers/module.h"

namespace tinct {

/// Averages every parameter and buffer. The decay of update t is min(decay, (1 + t) / (10 + t)), so
/// that the first, random weights are soon forgotten (as TensorFlow's ExponentialMovingAverage).
class Ema {
 public:
  /// Starts from the parameters' present numbers. Throws std::invalid_argument unless 0 < decay <
  /// 1.
  Ema(double decay, const Parameters& parameters);

  void update();
  /// Exchanges the model's numbers with the averages; a second call exchanges them back.
  void swap();

  long updates() const { return updates_; }
  /// On the host.
  NamedTensors state() const;
  /// Throws WeightsError when a tensor is missing, unexpected or of another shape.
  void restore(const NamedTensors& state, long updates);

 private:
  double decay_;
  Parameters parameters_;
  std::vector<Tensor> averages_;
  long updates_ = 0;
};

/// The model's numbers are the averages while one lives. Does nothing for a null Ema.
class EmaWeights {
 public:
  explicit EmaWeights(Ema* ema) : ema_(ema) {
    if (ema_) ema_->swap();
  }
  ~EmaWeights() {
    if (ema_) ema_->swap();
  }
  EmaWeights(const EmaWeights&) = delete;
  EmaWeights& operator=(const EmaWeights&) = delete;

 private:
  Ema* ema_;
};

}  // namespace tinct
