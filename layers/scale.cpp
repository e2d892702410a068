// Differentiable multiplication by a number.
#include "layers/scale.h"

#include "kernels/scale.h"
#include "layers/stored.h"

namespace tinct {

Value scale(const Value& x, float factor) {
  Tensor y(x.shape(), x.data().dtype(), x.device());
  TINCT_ON_STORED(y.device(), y.dtype(), scale, y.size(), factor, x.data().as<Stored>(),
                  y.as<Stored>());
  return Value(y, {x}, [factor](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.dtype(), dy.device());
    TINCT_ON_STORED(dx.device(), dx.dtype(), scale, dx.size(), factor, dy.as<Stored>(),
                    dx.as<Stored>());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
