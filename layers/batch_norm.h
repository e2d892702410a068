// Batch normalisation with learned scale and shift, its running statistics, and a fused activation.
#pragma once

#include <string>

#include "kernels/activation_kind.h"
#include "layers/module.h"

namespace tinct {

/// y = activation(gamma (x - mean) / sqrt(variance + eps) + beta), channel by channel.
///
/// Training (and always, with `always_train`) takes mean and biased variance from the batch;
/// evaluation takes the running ones. A forward pass in training mode also moves the running ones,
/// outside the graph: running += momentum (batch - running).
struct BatchNorm {
  Value gamma, beta;                 ///< (1,1,1,c)
  Value running_mean, running_var;   ///< (1,1,1,c), buffers
  float eps = 1e-5f;                 ///< PyTorch's; Keras has 1e-3
  float momentum = 0.1f;             ///< the share of the new batch (PyTorch); Keras's .99 is 0.01
  bool unbiased_running_var = true;  ///< whether running_var takes the batch's n/(n-1) variance
  bool always_train = false;         ///< batch statistics in evaluation too (pix2pix's generator)

  /// Throws std::invalid_argument when x has another number of channels or no rows. One value a
  /// channel has variance 0: the output is activation(beta), and nothing flows back to x.
  Value operator()(const Value& x, const Mode& mode,
                   Activation activation = Activation::none) const;
  /// "prefix.gamma", "prefix.beta", and as buffers "prefix.running_mean", "prefix.running_var".
  void collect(Parameters& parameters, const std::string& prefix) const;
};

/// gamma 1, beta 0, running mean 0, running variance 1.
BatchNorm make_batch_norm(std::size_t channels);

}  // namespace tinct
