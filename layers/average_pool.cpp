// Differentiable average pooling.
#include "layers/average_pool.h"

#include <stdexcept>

#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/twins.h"

namespace tinct {

Value average_pool(const Value& x, const PoolWindow& window, bool count_include_pad) {
  const PoolShape s{x.shape(), window};
  s.check("average_pool");
  Tensor y(s.y(), x.device());
  TINCT_ON(x.device(), average_pool, s, count_include_pad, x.data().f32(), y.f32());
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s.x, dy.device());
    TINCT_ON(dy.device(), average_pool_backward, s, count_include_pad, dy.f32(), dx.f32());
    inputs[0].add_grad(dx);
  });
}

Value global_average_pool(const Value& x) {
  const Shape s = x.shape();
  if (s.h * s.w == 0) {
    throw std::invalid_argument("global_average_pool: input " + to_string(s) + " has no pixels");
  }
  Tensor y({s.n, 1, 1, s.c}, x.device());
  TINCT_ON(x.device(), global_average_pool, s, x.data().f32(), y.f32());
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.device());
    TINCT_ON(dy.device(), global_average_pool_backward, s, dy.f32(), dx.f32());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
