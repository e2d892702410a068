// Differentiable addition.
#include "layers/add.h"

#include <stdexcept>

#include "kernels/activation.h"
#include "kernels/add.h"
#include "layers/activation.h"
#include "layers/cast.h"
#include "layers/stored.h"

namespace tinct {

Value add(const Value& a, const Value& b, Activation activation) {
  if (a.shape() != b.shape()) {
    throw std::invalid_argument("add: " + to_string(a.shape()) + " and " + to_string(b.shape()) +
                                " differ");
  }
  if (activation == Activation::sigmoid || activation == Activation::tanh) {
    return activate(add(a, b), activation);  // not fused
  }
  if (a.data().dtype() != b.data().dtype()) {
    return add(cast(a, DType::bf16), cast(b, DType::bf16), activation);
  }
  Tensor y(a.shape(), a.data().dtype(), common_device("add", {&a, &b}));
  TINCT_ON_STORED(y.device(), y.dtype(), add, y.size(), a.data().as<Stored>(),
                  b.data().as<Stored>(), activation, y.as<Stored>());
  if (activation == Activation::none) {
    return Value(y, {a, b}, [](std::vector<Value>& inputs, const Tensor& dy) {
      for (Value& input : inputs) input.add_grad(dy);
    });
  }
  return Value(y, {a, b}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), activation_backward, activation, y.size(),
                    y.as<Stored>(), dy.as<Stored>(), dx.as<Stored>());
    for (Value& input : inputs) input.add_grad(dx);
  });
}

}  // namespace tinct
