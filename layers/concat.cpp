// Differentiable concatenation.
#include "layers/concat.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/concat.h"
#include "layers/cast.h"
#include "layers/stored.h"

namespace tinct {
namespace {

// What the kernels take of tensors stored as T, of which some may be empty.
template <template <class> class Side, class T, class Tensors>
std::vector<Side<T>> sides(Tensors& tensors, const std::vector<Value>& inputs) {
  std::vector<Side<T>> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.push_back(
        {tensors[i].defined() ? tensors[i].template as<T>() : nullptr, inputs[i].shape().c});
  }
  return result;
}

// All stored in the same way: as bf16 when one of them is.
std::vector<Value> alike(std::vector<Value> inputs) {
  const bool narrow = std::any_of(inputs.begin(), inputs.end(),
                                  [](const Value& v) { return v.data().dtype() == DType::bf16; });
  for (Value& input : inputs) input = narrow ? cast(input, DType::bf16) : input;
  return inputs;
}

}  // namespace

Value concat(const std::vector<Value>& given) {
  if (given.empty()) throw std::invalid_argument("concat: no inputs");
  const std::vector<Value> inputs = alike(given);
  Shape shape = inputs[0].shape();
  shape.c = 0;
  std::vector<Tensor> parts;
  for (const Value& input : inputs) {
    const Shape& s = input.shape();
    if (s.n != shape.n || s.h != shape.h || s.w != shape.w) {
      throw std::invalid_argument("concat: " + to_string(inputs[0].shape()) + " and " +
                                  to_string(s) + " differ in more than channels");
    }
    common_device("concat", {&inputs[0], &input});
    parts.push_back(input.data());
    shape.c += s.c;
  }
  Tensor y(shape, parts[0].dtype(), inputs[0].device());
  const std::vector<Tensor>& x = parts;
  TINCT_ON_STORED(y.device(), y.dtype(), concat, shape.pixels(),
                  sides<ConcatInputOf, Stored>(x, inputs), y.as<Stored>());
  return Value(y, inputs, [](std::vector<Value>& from, const Tensor& dy) {
    std::vector<Tensor> dx(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].requires_grad()) dx[i] = Tensor(from[i].shape(), dy.dtype(), dy.device());
    }
    TINCT_ON_STORED(dy.device(), dy.dtype(), concat_backward, dy.shape().pixels(), dy.as<Stored>(),
                    sides<ConcatGradientOf, Stored>(dx, from));
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (dx[i].defined()) from[i].add_grad(dx[i]);
    }
  });
}

}  // namespace tinct
