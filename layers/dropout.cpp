// Dropout, differentiable.
#include "layers/dropout.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/dropout.h"
#include "layers/stored.h"

namespace tinct {

namespace {

using Apply = void (*)(const Random&, float rate, const Tensor& x, Tensor& y);

Value drop(const char* name, Apply apply, const Value& x, float rate, const Mode& mode,
           std::uint64_t layer) {
  if (!(rate >= 0 && rate < 1)) {
    throw std::invalid_argument(std::string(name) + ": the rate " + std::to_string(rate) +
                                " is not in [0, 1)");
  }
  if (!mode.training || rate == 0) return x;
  const Random random(mode.seed, Purpose::dropout, mode.step, layer);
  Tensor y(x.shape(), x.data().dtype(), x.device());
  apply(random, rate, x.data(), y);
  return Value(std::move(y), {x}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(dy.shape(), dy.dtype(), dy.device());
    apply(random, rate, dy, dx);
    inputs[0].add_grad(std::move(dx));
  });
}

}  // namespace

Value dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer) {
  return drop(
      "dropout",
      [](const Random& random, float r, const Tensor& from, Tensor& to) {
        TINCT_ON_STORED(to.device(), to.dtype(), dropout, random, r, to.size(), from.as<Stored>(),
                        to.as<Stored>());
      },
      x, rate, mode, layer);
}

Value channel_dropout(const Value& x, float rate, const Mode& mode, std::uint64_t layer) {
  return drop(
      "channel_dropout",
      [](const Random& random, float r, const Tensor& from, Tensor& to) {
        const Shape& s = to.shape();
        TINCT_ON_STORED(to.device(), to.dtype(), channel_dropout, random, r, s.n, s.h * s.w, s.c,
                        from.as<Stored>(), to.as<Stored>());
      },
      x, rate, mode, layer);
}

}  // namespace tinct
