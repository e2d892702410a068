// Differentiable multiplication by a number.
#include "layers/scale.h"

#include "kernels/scale.h"
#include "kernels/twins.h"

namespace tinct {

Value scale(const Value& x, float factor) {
  Tensor y(x.shape(), x.device());
  TINCT_ON(y.device(), scale, y.size(), factor, x.data().f32(), y.f32());
  return Value(y, {x}, [factor](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.device());
    TINCT_ON(dx.device(), scale, dx.size(), factor, dy.f32(), dx.f32());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
