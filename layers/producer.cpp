// What the layers with weights, bias and a fused activation share.
#include "layers/producer.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/activation.h"
#include "layers/stored.h"

namespace tinct {

void check_bias(const char* operation, const Value& bias, std::size_t out) {
  if (bias.defined() && bias.shape() != Shape{1, 1, 1, out}) {
    throw std::invalid_argument(std::string(operation) + ": bias " + to_string(bias.shape()) +
                                " for " + std::to_string(out) + " output channels");
  }
}

Value produced(Tensor y, const Value& x, const Value& w, const Value& bias, Activation activation,
               ProducerGradients gradients) {
  if (!needs_grad({&x, &w, &bias})) return Value(std::move(y));
  const Tensor saved = activation == Activation::none ? Tensor() : y;
  return Value(std::move(y), {x, w, bias},
               [saved, activation, gradients = std::move(gradients)](std::vector<Value>& inputs,
                                                                     const Tensor& dy) {
                 Value& x = inputs[0];
                 Value& w = inputs[1];
                 Value& bias = inputs[2];
                 Tensor dz = dy;
                 if (activation != Activation::none) {
                   dz = Tensor(dy.shape(), dy.dtype(), dy.device());
                   TINCT_ON_STORED(dy.device(), dy.dtype(), activation_backward, activation,
                                   dy.size(), saved.as<Stored>(), dy.as<Stored>(), dz.as<Stored>());
                 }
                 if (w.requires_grad() || bias.requires_grad()) {
                   Tensor dw(w.shape(), dy.device());
                   Tensor db = bias.requires_grad() ? Tensor(bias.shape(), dy.device()) : Tensor();
                   gradients.weights(x.data(), dz, dw.f32(), db.defined() ? db.f32() : nullptr);
                   w.add_grad(std::move(dw));
                   if (db.defined()) bias.add_grad(std::move(db));
                 }
                 if (x.requires_grad()) {
                   Tensor dx(x.shape(), dy.dtype(), dy.device());
                   gradients.data(dz, dx);
                   x.add_grad(std::move(dx));
                 }
               });
}

const float* bias_data(const Value& bias) {
  return bias.defined() ? bias.data().f32() : nullptr;
}

Value make_bias(std::size_t out, bool with_bias) {
  return with_bias ? Value(Tensor::zeros({1, 1, 1, out}), true) : Value();
}

void collect_weight_and_bias(Parameters& parameters, const std::string& prefix, const Value& weight,
                             const Value& bias) {
  parameters.push_back({prefix + ".weight", weight});
  if (bias.defined()) parameters.push_back({prefix + ".bias", bias});
}

}  // namespace tinct
