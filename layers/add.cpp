// Differentiable addition.
#include "layers/add.h"

#include <stdexcept>

#include "kernels/activation.h"
#include "kernels/add.h"
#include "kernels/twins.h"
#include "layers/activation.h"

namespace tinct {

Value add(const Value& a, const Value& b, Activation activation) {
  if (a.shape() != b.shape()) {
    throw std::invalid_argument("add: " + to_string(a.shape()) + " and " + to_string(b.shape()) +
                                " differ");
  }
  if (activation == Activation::sigmoid || activation == Activation::tanh) {
    return activate(add(a, b), activation);  // not fused
  }
  Tensor y(a.shape(), common_device("add", {&a, &b}));
  TINCT_ON(y.device(), add, y.size(), a.data().f32(), b.data().f32(), activation, y.f32());
  if (activation == Activation::none) {
    return Value(y, {a, b}, [](std::vector<Value>& inputs, const Tensor& dy) {
      for (Value& input : inputs) input.add_grad(dy);
    });
  }
  return Value(y, {a, b}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.device());
    TINCT_ON(dy.device(), activation_backward, activation, y.size(), y.f32(), dy.f32(), dx.f32());
    for (Value& input : inputs) input.add_grad(dx);
  });
}

}  // namespace tinct
