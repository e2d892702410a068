// Differentiable max pooling.
#include "layers/max_pool.h"

#include <stdexcept>

#include "kernels/max_pool.h"
#include "layers/stored.h"

namespace tinct {

Value max_pool(const Value& x, const PoolWindow& window) {
  const PoolShape s{x.shape(), window};
  s.check("max_pool");
  if (window.kh * window.kw > kMaxPoolWindow) {
    throw std::invalid_argument("max_pool: a window of " + std::to_string(window.kh) + "x" +
                                std::to_string(window.kw) + " has more than 256 elements");
  }
  Tensor y(s.y(), x.data().dtype(), x.device());
  const bool saves = needs_grad({&x});
  Tensor which = saves ? Tensor(s.y(), DType::u8, x.device()) : Tensor();
  TINCT_ON_STORED(x.device(), y.dtype(), max_pool, s, x.data().as<Stored>(), y.as<Stored>(),
                  saves ? which.u8() : nullptr);
  if (!saves) return Value(y);
  return Value(y, {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s.x, dy.dtype(), dy.device());
    TINCT_ON_STORED(dy.device(), dy.dtype(), max_pool_backward, s, which.u8(), dy.as<Stored>(),
                    dx.as<Stored>());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
