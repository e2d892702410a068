// Dropout, differentiable.
#include "layers/dropout.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/dropout.h"

namespace tinct {

Value dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer) {
  if (!(rate >= 0 && rate < 1)) {
    throw std::invalid_argument("dropout: the rate " + std::to_string(rate) + " is not in [0, 1)");
  }
  if (!mode.training || rate == 0) return x;
  const Random random(mode.seed, Purpose::dropout, mode.step, layer);
  Tensor y(x.shape());
  cpu::dropout(random, rate, y.size(), x.data().f32(), y.f32());
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape());
    cpu::dropout(random, rate, dx.size(), dy.f32(), dx.f32());
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace tinct
