// Differentiable stacking along the batch.
#include "layers/stack.h"

#include <stdexcept>

#include "core/device.h"
#include "layers/cast.h"

namespace tinct {

Value stack(const std::vector<Value>& inputs) {
  if (inputs.empty()) throw std::invalid_argument("stack: no inputs");
  Shape shape = inputs[0].shape();
  shape.n = 0;
  for (const Value& input : inputs) {
    const Shape& s = input.shape();
    if (s.h != shape.h || s.w != shape.w || s.c != shape.c) {
      throw std::invalid_argument("stack: " + to_string(inputs[0].shape()) + " and " +
                                  to_string(s) + " differ in more than n");
    }
    common_device("stack", {&inputs[0], &input});
    shape.n += s.n;
  }
  Tensor y(shape, inputs[0].device());
  float* to = y.f32();
  for (const Value& input : inputs) {
    const Tensor x = cast(input.data(), DType::f32);
    copy(to, y.device(), x.f32(), x.device(), x.bytes());
    to += x.size();
  }
  return Value(y, inputs, [](std::vector<Value>& from, const Tensor& dy) {
    const float* part = dy.f32();
    for (Value& input : from) {
      const std::size_t size = input.shape().size();
      if (input.requires_grad()) {
        Tensor dx(input.shape(), dy.device());
        copy(dx.f32(), dx.device(), part, dy.device(), dx.bytes());
        input.add_grad(cast(dx, input.data().dtype()));
      }
      part += size;
    }
  });
}

}  // namespace tinct
