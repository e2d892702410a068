// Bilinear resizing, differentiable.
#include "layers/bilinear_upsample.h"
#include "layers/stored.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace tinct {

Value bilinear_upsample(const Value& x, std::size_t oh, std::size_t ow, Align align) {
  const Shape s = x.shape();
  const Shape out = {s.n, oh, ow, s.c};
  if (s.size() == 0 || out.size() == 0) {
    throw std::invalid_argument("bilinear_upsample: from " + to_string(s) + " to " +
                                to_string(out));
  }
  Tensor y(out, x.data().dtype(), x.device());
  TINCT_ON_STORED(x.device(), y.dtype(), bilinear_upsample, s, oh, ow, align, x.data().as<Stored>(),
                  y.as<Stored>());
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), bilinear_upsample_backward, s, oh, ow, align,
                    dy.as<Stored>(), dx.as<Stored>());
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace tinct
