// Differentiable activations.
#include "layers/activation.h"

#include <stdexcept>
#include <string>

#include "kernels/activation.h"
#include "layers/stored.h"

namespace tinct {
namespace {

Value apply(const Value& x, Activation kind, float slope = kLeakySlope) {
  Tensor y(x.shape(), x.data().dtype(), x.device());
  TINCT_ON_STORED(y.device(), y.dtype(), activation, kind, y.size(), x.data().as<Stored>(),
                  y.as<Stored>(), slope);
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), activation_backward, kind, y.size(), y.as<Stored>(),
                    dy.as<Stored>(), dx.as<Stored>(), slope);
    inputs[0].add_grad(dx);
  });
}

}  // namespace

Value activate(const Value& x, Activation activation) {
  return activation == Activation::none ? x : apply(x, activation);
}

Value relu(const Value& x) {
  return apply(x, Activation::relu);
}

Value leaky_relu(const Value& x, float slope) {
  if (!(slope >= 0)) {
    throw std::invalid_argument("leaky_relu: the slope " + std::to_string(slope) +
                                " is not at least 0");
  }
  return apply(x, Activation::leaky_relu, slope);
}

Value sigmoid(const Value& x) {
  return apply(x, Activation::sigmoid);
}

Value tanh(const Value& x) {
  return apply(x, Activation::tanh);
}

}  // namespace tinct
