// Dropout, differentiable.
#include "layers/dropout.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/dropout.h"
#include "kernels/twins.h"

namespace tinct {

namespace {

using Apply = void (*)(Device, const Random&, float rate, const Shape&, const float* x, float* y);

Value drop(const char* name, Apply apply, const Value& x, float rate, const Mode& mode,
           std::uint64_t layer) {
  if (!(rate >= 0 && rate < 1)) {
    throw std::invalid_argument(std::string(name) + ": the rate " + std::to_string(rate) +
                                " is not in [0, 1)");
  }
  if (!mode.training || rate == 0) return x;
  const Random random(mode.seed, Purpose::dropout, mode.step, layer);
  Tensor y(x.shape(), x.device());
  apply(y.device(), random, rate, y.shape(), x.data().f32(), y.f32());
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.device());
    apply(dx.device(), random, rate, dx.shape(), dy.f32(), dx.f32());
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace

Value dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer) {
  return drop(
      "dropout",
      [](Device on, const Random& random, float r, const Shape& s, const float* from, float* to) {
        TINCT_ON(on, dropout, random, r, s.size(), from, to);
      },
      x, rate, mode, layer);
}

Value channel_dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer) {
  return drop(
      "channel_dropout",
      [](Device on, const Random& random, float r, const Shape& s, const float* from, float* to) {
        TINCT_ON(on, channel_dropout, random, r, s.n, s.h * s.w, s.c, from, to);
      },
      x, rate, mode, layer);
}

}  // namespace tinct
