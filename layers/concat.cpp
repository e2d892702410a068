// Differentiable concatenation.
#include "layers/concat.h"

#include <stdexcept>

#include "kernels/concat.h"
#include "kernels/twins.h"

namespace tinct {

Value concat(const std::vector<Value>& inputs) {
  if (inputs.empty()) throw std::invalid_argument("concat: no inputs");
  Shape shape = inputs[0].shape();
  shape.c = 0;
  std::vector<ConcatInput> parts;
  for (const Value& input : inputs) {
    const Shape& s = input.shape();
    if (s.n != shape.n || s.h != shape.h || s.w != shape.w) {
      throw std::invalid_argument("concat: " + to_string(inputs[0].shape()) + " and " +
                                  to_string(s) + " differ in more than channels");
    }
    common_device("concat", {&inputs[0], &input});
    parts.push_back({input.data().f32(), s.c});
    shape.c += s.c;
  }
  Tensor y(shape, inputs[0].device());
  TINCT_ON(y.device(), concat, shape.pixels(), parts, y.f32());
  return Value(y, inputs, [](std::vector<Value>& from, const Tensor& dy) {
    std::vector<Tensor> dx(from.size());
    std::vector<ConcatGradient> gradients;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const bool wanted = from[i].requires_grad();
      if (wanted) dx[i] = Tensor(from[i].shape(), dy.device());
      gradients.push_back({wanted ? dx[i].f32() : nullptr, from[i].shape().c});
    }
    TINCT_ON(dy.device(), concat_backward, dy.shape().pixels(), dy.f32(), gradients);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (dx[i].defined()) from[i].add_grad(dx[i]);
    }
  });
}

}  // namespace tinct
