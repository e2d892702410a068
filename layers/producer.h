// What the layers with weights, bias and a fused activation share.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "core/autograd.h"
#include "kernels/activation_kind.h"
#include "layers/module.h"

namespace tinct {

/// Throws std::invalid_argument, naming `operation`, unless bias is empty or (1,1,1,out).
void check_bias(const char* operation, const Value& bias, std::size_t out);

/// The two gradients of an operation that is linear in x and in w. dy is the gradient before the
/// activation; x, dy and dx are stored alike, dw and db are f32; db may be null.
struct ProducerGradients {
  std::function<void(const Tensor& dy, Tensor& dx)> data;
  std::function<void(const Tensor& x, const Tensor& dy, float* dw, float* db)> weights;
};

/// The result y of such an operation on x, w and bias (which may be empty), its activation
/// included. Computes only the gradients that are wanted.
Value produced(Tensor y, const Value& x, const Value& w, const Value& bias, Activation activation,
               ProducerGradients gradients);

/// The numbers of a bias, null for an empty one.
const float* bias_data(const Value& bias);

/// Zeros (1,1,1,out), or an empty value.
Value make_bias(std::size_t out, bool with_bias);

/// "prefix.weight" and, where there is one, "prefix.bias".
void collect_weight_and_bias(Parameters& parameters, const std::string& prefix, const Value& weight,
                             const Value& bias);

}  // namespace tinct
