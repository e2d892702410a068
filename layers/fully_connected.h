// Fully connected layers on values.
#pragma once

#include <cstddef>
#include <string>

#include "core/autograd.h"
#include "kernels/activation_kind.h"
#include "layers/init.h"
#include "layers/module.h"

namespace tinct {

/// y (n,1,1,out) = activation(x w^T + bias). x (n,h,w,c) is read as n rows of h*w*c numbers, w is
/// (out,1,1,h*w*c), bias (1,1,1,out) or empty. Runs on the kernels of the 1x1 convolution: the same
/// bits for any thread count. Throws std::invalid_argument when the shapes do not fit.
Value fully_connected(const Value& x, const Value& w, const Value& bias,
                      Activation activation = Activation::none);

/// A fully connected layer that owns its weights.
struct FullyConnected {
  Value weight;  ///< (out,1,1,in)
  Value bias;    ///< (1,1,1,out), or empty
  Activation activation = Activation::none;

  Value operator()(const Value& x) const { return fully_connected(x, weight, bias, activation); }
  /// "prefix.weight" and "prefix.bias".
  void collect(Parameters& parameters, const std::string& prefix) const;
};

/// Weights by the initializer's scheme, bias 0.
FullyConnected make_fully_connected(std::size_t in, std::size_t out, bool with_bias,
                                    Initializer& init, Activation activation = Activation::none);

}  // namespace tinct
