// Between f32 and bf16, differentiable.
#pragma once

#include "core/autograd.h"

namespace tinct {

/// The numbers as that type, f32 or bf16: the very tensor when they are.
Tensor cast(const Tensor& x, DType type);
Value cast(const Value& x, DType type);

/// f(x) for an operation that has f32 alone, stored as x is.
template <class F>
Value in_f32(const Value& x, const F& f) {
  return cast(f(cast(x, DType::f32)), x.data().dtype());
}

}  // namespace tinct
