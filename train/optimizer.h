// Optimizers: SGD with momentum, Adam and AdamW, with flat state and one pass over all parameters.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "kernels/optimizer_step.h"
#include "layers/module.h"

namespace tinct {

struct OptimizerOptions {
  std::string name = "adamw";  ///< "sgd", "adam" or "adamw"
  double lr = 1e-3;            ///< times the schedule's factor and the parameter's own
  double momentum = 0.9;       ///< sgd
  bool nesterov = false;       ///< sgd
  double beta1 = 0.9;          ///< adam, adamw
  double beta2 = 0.999;
  double epsilon = 1e-8;
  AdamEpsilon epsilon_placement = AdamEpsilon::corrected;
  double weight_decay = 0;
  bool decoupled = false;         ///< for sgd and adam; adamw always is
  bool decay_everything = false;  ///< also biases and normalisation, which are otherwise spared
  /// Name prefix -> factor on the learning rate; the longest matching prefix counts. 0 freezes.
  std::map<std::string, double> lr_factors;
};

class Optimizer {
 public:
  /// Takes the trainable parameters (no buffers, nothing frozen); the state is where they are.
  /// Throws std::invalid_argument for an unknown name, a setting out of range, or a prefix that no
  /// parameter has.
  Optimizer(const OptimizerOptions& options, const Parameters& parameters);

  /// The global norm of the gradients that the parameters hold, times `scale`.
  double gradient_norm(double scale = 1) const;
  /// One step at `lr_factor` times the options' learning rate, on gradients multiplied by
  /// `grad_scale`. A parameter that no gradient has reached stays as it is. Gradients are kept.
  void step(double lr_factor, double grad_scale = 1);
  void clear_gradients();

  long steps() const { return steps_; }
  /// Bytes of state.
  std::size_t bytes() const;
  /// The state by name, on the host ("exp_avg.encoder1.conv1.weight"), shaped like the parameters.
  NamedTensors state() const;
  /// Throws WeightsError when a tensor is missing, unexpected or of another shape.
  void restore(const NamedTensors& state, long steps);

 private:
  struct Entry {
    std::string name;
    Value value;
    std::size_t offset;
    double lr_factor;
    double decay;
  };
  std::vector<StepPart> parts(double lr) const;
  Device device() const { return entries_.front().value.device(); }
  std::vector<std::pair<std::string, Tensor*>> slots();

  OptimizerOptions options_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
  long steps_ = 0;
  Tensor first_;   // momentum, or Adam's first moment
  Tensor second_;  // Adam's second moment
};

/// What gradients are multiplied by so that their norm is at most `most`:
/// min(1, most / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. 1 when `most` is 0.
double clip_factor(double norm, double most);

}  // namespace tinct
