// Activations on the CPU. Bound by memory, sigmoid and tanh too: some 20 instructions a vector.
#include "kernels/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
#include "kernels/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

// e = e^-|v| never overflows: 1 / (1 + e) above zero, e / (1 + e) below.
struct Sigmoid {
  HWY_INLINE Floats operator()(Floats v) const {
    const FloatTag d;
    const Floats one = hn::Set(d, 1.0f);
    const Floats e = hn::Exp(d, hn::Neg(hn::Abs(v)));
    const Floats y = hn::Div(hn::IfThenElse(hn::Lt(v, hn::Zero(d)), e, one), hn::Add(one, e));
    return hn::IfThenElse(hn::IsNaN(v), v, y);  // Highway's Exp loses NaN
  }
  HWY_INLINE Floats gradient(Floats y, Floats dy) const {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(FloatTag(), 1.0f), y)));
  }
};

struct Tanh {
  HWY_INLINE Floats operator()(Floats v) const {
    return hn::IfThenElse(hn::IsNaN(v), v, hn::Tanh(FloatTag(), v));
  }
  HWY_INLINE Floats gradient(Floats y, Floats dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(FloatTag(), 1.0f)));
  }
};

template <class F>
HWY_INLINE void with_activation(Activation kind, float slope, F&& f) {
  switch (kind) {
    case Activation::none:
      return f(Identity());
    case Activation::relu:
      return f(Relu());
    case Activation::leaky_relu:
      return f(LeakyRelu{slope});
    case Activation::sigmoid:
      return f(Sigmoid());
    case Activation::tanh:
      return f(Tanh());
  }
}

void forward(Activation kind, std::size_t count, const float* x, float* y, float slope,
             bool stream) {
  with_activation(kind, slope, [=](auto act) HWY_ATTR {
    for_each_vector(count, stream,
                    [=](std::size_t, auto load, auto store) HWY_ATTR { store(act(load(x)), y); });
  });
  if (stream) hwy::FlushStream();
}

void backward(Activation kind, std::size_t count, const float* y, const float* dy, float* dx,
              float slope, bool stream) {
  with_activation(kind, slope, [=](auto act) HWY_ATTR {
    for_each_vector(count, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
      store(act.gradient(load(y), load(dy)), dx);
    });
  });
  if (stream) hwy::FlushStream();
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/blocks.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(forward);
HWY_EXPORT(backward);

void activation(Activation kind, std::size_t count, const float* x, float* y, float slope) {
  const auto run = HWY_DYNAMIC_DISPATCH(forward);
  const bool stream = stream_output(y, count);
  for_each_piece(count, [=](std::size_t at, std::size_t size) {
    run(kind, size, x + at, y + at, slope, stream);
  });
}

void activation_backward(Activation kind, std::size_t count, const float* y, const float* dy,
                         float* dx, float slope) {
  const auto run = HWY_DYNAMIC_DISPATCH(backward);
  const bool stream = dx != dy && stream_output(dx, count);
  for_each_piece(count, [=](std::size_t at, std::size_t size) {
    run(kind, size, y + at, dy + at, dx + at, slope, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
