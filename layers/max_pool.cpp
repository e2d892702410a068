// Differentiable max pooling.
#include "layers/max_pool.h"

#include <stdexcept>

#include "kernels/max_pool.h"
#include "kernels/twins.h"

namespace tinct {

Value max_pool(const Value& x, const PoolWindow& window) {
  const PoolShape s{x.shape(), window};
  s.check("max_pool");
  if (window.kh * window.kw > kMaxPoolWindow) {
    throw std::invalid_argument("max_pool: a window of " + std::to_string(window.kh) + "x" +
                                std::to_string(window.kw) + " has more than 256 elements");
  }
  Tensor y(s.y(), x.device());
  if (!needs_grad({&x})) {
    TINCT_ON(x.device(), max_pool, s, x.data().f32(), y.f32(), nullptr);
    return Value(y);
  }
  Tensor which(s.y(), DType::u8, x.device());
  TINCT_ON(x.device(), max_pool, s, x.data().f32(), y.f32(), which.u8());
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s.x, dy.device());
    TINCT_ON(dy.device(), max_pool_backward, s, which.u8(), dy.f32(), dx.f32());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
