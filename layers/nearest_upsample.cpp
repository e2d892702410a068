// Nearest-neighbour resizing, differentiable.
#include "layers/nearest_upsample.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/nearest_upsample.h"
#include "kernels/twins.h"

namespace tinct {

Value nearest_upsample(const Value& x, std::size_t oh, std::size_t ow) {
  const Shape s = x.shape();
  const Shape out = {s.n, oh, ow, s.c};
  if (s.size() == 0 || out.size() == 0) {
    throw std::invalid_argument("nearest_upsample: from " + to_string(s) + " to " + to_string(out));
  }
  Tensor y(out, x.device());
  TINCT_ON(x.device(), nearest_upsample, s, oh, ow, x.data().f32(), y.f32());
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.device());
    TINCT_ON(dy.device(), nearest_upsample_backward, s, oh, ow, dy.f32(), dx.f32());
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace tinct
