// An array times a number, on the CPU.
#include "kernels/scale.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scale.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

void scale_piece(std::size_t count, float factor, const float* x, float* y, bool stream) {
  const Floats f = hn::Set(FloatTag(), factor);
  for_each_vector(count, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
    store(hn::Mul(f, load(x)), y);
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

HWY_EXPORT(scale_piece);

void scale(std::size_t count, float factor, const float* x, float* y) {
  const auto run = HWY_DYNAMIC_DISPATCH(scale_piece);
  const bool stream = x != y && stream_output(y, count);
  for_each_piece(
      count, [=](std::size_t at, std::size_t size) { run(size, factor, x + at, y + at, stream); });
}

void scale_shift(std::size_t count, float factor, float shift, const float* x, float* y) {
  for_each_piece(count, [=](std::size_t at, std::size_t size) {
    for (std::size_t i = at; i < at + size; ++i) y[i] = x[i] * factor + shift;
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
