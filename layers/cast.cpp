// Casts.
#include "layers/cast.h"

#include <utility>

#include "kernels/cast.h"
#include "kernels/twins.h"

namespace tinct {

Tensor cast(const Tensor& x, DType type) {
  if (!x.defined() || x.dtype() == type) return x;
  Tensor y(x.shape(), type, x.device());
  if (type == DType::bf16) {
    TINCT_ON(y.device(), cast, x.size(), x.f32(), y.as<bf16>());
  } else {
    TINCT_ON(y.device(), cast, x.size(), x.as<bf16>(), y.f32());
  }
  return y;
}

Value cast(const Value& x, DType type) {
  const DType before = x.data().dtype();
  if (before == type) return x;
  return Value(cast(x.data(), type), {x}, [before](std::vector<Value>& inputs, const Tensor& dy) {
    inputs[0].add_grad(cast(dy, before));
  });
}

}  // namespace tinct
