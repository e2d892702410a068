// A distribution over colour bins as one colour.
#include "layers/annealed_mean.h"

#include <stdexcept>

#include "kernels/ab_bins.h"
#include "kernels/twins.h"
#include "layers/cast.h"

namespace tinct {

Value annealed_mean(const Value& output, const Tensor& bins, float temperature) {
  const Value logits = cast(output, DType::f32);
  const Shape s = logits.shape();
  if (!bins.defined() || bins.shape() != Shape{1, 1, s.c, 2}) {
    throw std::invalid_argument("annealed_mean: logits " + to_string(s) + " for bins " +
                                to_string(bins.shape()));
  }
  const Tensor table = bins.to(logits.device());
  Tensor ab({s.n, s.h, s.w, 2}, logits.device());
  TINCT_ON(ab.device(), annealed_mean, s.c, table.f32(), s.pixels(), logits.data().f32(),
           temperature, ab.f32());
  return Value(ab);
}

}  // namespace tinct
