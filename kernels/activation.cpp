// Activations on the CPU. Bound by memory, but for sigmoid and tanh, whose 20
// instructions and one division a vector take about as long as the copy.
#include "kernels/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/exp-inl.h"
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
    const Floats e = exp(d, hn::Neg(hn::Abs(v)));
    return hn::Div(hn::IfThenElse(hn::Lt(v, hn::Zero(d)), e, one), hn::Add(one, e));
  }
  HWY_INLINE Floats gradient(Floats y, Floats dy) const {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(FloatTag(), 1.0f), y)));
  }
};

// A rational minimax approximation, odd over even (that of Eigen's ptanh), where tanh is not yet 1.
struct Tanh {
  HWY_INLINE Floats operator()(Floats v) const {
    const FloatTag d;
    const auto constant = [d](float x) HWY_ATTR { return hn::Set(d, x); };
    const Floats limit = constant(7.90531110763549805f);
    const Floats x = hn::Max(hn::Neg(limit), hn::Min(v, limit));
    const Floats size = hn::Abs(v);
    const Floats x2 = hn::Mul(x, x);
    Floats p = hn::MulAdd(x2, constant(-2.76076847742355e-16f), constant(2.00018790482477e-13f));
    p = hn::MulAdd(x2, p, constant(-8.60467152213735e-11f));
    p = hn::MulAdd(x2, p, constant(5.12229709037114e-08f));
    p = hn::MulAdd(x2, p, constant(1.48572235717979e-05f));
    p = hn::MulAdd(x2, p, constant(6.37261928875436e-04f));
    p = hn::MulAdd(x2, p, constant(4.89352455891786e-03f));
    Floats q = hn::MulAdd(x2, constant(1.19825839466702e-06f), constant(1.18534705686654e-04f));
    q = hn::MulAdd(x2, q, constant(2.26843463243900e-03f));
    q = hn::MulAdd(x2, q, constant(4.89352518554385e-03f));
    const Floats y = hn::Div(hn::Mul(x, p), q);
    const Floats one = hn::CopySign(constant(1), v);
    // NaN fails both comparisons and stays; Min and Max may lose it.
    return hn::IfThenElse(hn::Lt(size, limit), y, hn::IfThenElse(hn::Ge(size, limit), one, v));
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
