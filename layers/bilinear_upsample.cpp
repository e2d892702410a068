// Bilinear resizing, differentiable.
#include "layers/bilinear_upsample.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/twins.h"

namespace tinct {

Value bilinear_upsample(const Value& x, std::size_t oh, std::size_t ow, Align align) {
  const Shape s = x.shape();
  const Shape out = {s.n, oh, ow, s.c};
  if (s.size() == 0 || out.size() == 0) {
    throw std::invalid_argument("bilinear_upsample: from " + to_string(s) + " to " +
                                to_string(out));
  }
  Tensor y(out, x.device());
  TINCT_ON(x.device(), bilinear_upsample, s, oh, ow, align, x.data().f32(), y.f32());
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.device());
    TINCT_ON(dy.device(), bilinear_upsample_backward, s, oh, ow, align, dy.f32(), dx.f32());
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace tinct
