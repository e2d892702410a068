// Addition on the CPU.
#include "kernels/add.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/add.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

void add_piece(std::size_t count, const float* a, const float* b, Activation activation, float* y,
               bool stream) {
  with_fused(activation, [=](auto act) HWY_ATTR {
    for_each_vector(count, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
      store(act(hn::Add(load(a), load(b))), y);
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

HWY_EXPORT(add_piece);

void add(std::size_t count, const float* a, const float* b, Activation activation, float* y) {
  const auto run = HWY_DYNAMIC_DISPATCH(add_piece);
  const bool stream = stream_output(y, count);
  for_each_piece(count, [=](std::size_t at, std::size_t size) {
    run(size, a + at, b + at, activation, y + at, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
