// Differentiable average pooling.
#include "layers/average_pool.h"

#include <stdexcept>

#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "layers/stored.h"

namespace tinct {

Value average_pool(const Value& x, const PoolWindow& window, bool count_include_pad) {
  const PoolShape s{x.shape(), window};
  s.check("average_pool");
  Tensor y(s.y(), x.data().dtype(), x.device());
  TINCT_ON_STORED(x.device(), y.dtype(), average_pool, s, count_include_pad, x.data().as<Stored>(),
                  y.as<Stored>());
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s.x, dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), average_pool_backward, s, count_include_pad,
                    dy.as<Stored>(), dx.as<Stored>());
    inputs[0].add_grad(dx);
  });
}

Value global_average_pool(const Value& x) {
  const Shape s = x.shape();
  if (s.h * s.w == 0) {
    throw std::invalid_argument("global_average_pool: input " + to_string(s) + " has no pixels");
  }
  Tensor y({s.n, 1, 1, s.c}, x.data().dtype(), x.device());
  TINCT_ON_STORED(x.device(), y.dtype(), global_average_pool, s, x.data().as<Stored>(),
                  y.as<Stored>());
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), global_average_pool_backward, s, dy.as<Stored>(),
                    dx.as<Stored>());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
