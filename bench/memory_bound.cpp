// A copy past the caches.
#include "bench/memory_bound.h"

#include "kernels/blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/memory_bound.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::bench::HWY_NAMESPACE {

void copy_piece(std::size_t count, const float* from, float* to) {
  tinct::HWY_NAMESPACE::for_each_vector(
      count, true, [=](std::size_t, auto load, auto store) HWY_ATTR { store(load(from), to); });
  hwy::FlushStream();
}

}  // namespace tinct::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::bench {

HWY_EXPORT(copy_piece);

void stream_copy(std::size_t count, const float* from, float* to) {
  const auto run = HWY_DYNAMIC_DISPATCH(copy_piece);
  for_each_piece(count, [=](std::size_t at, std::size_t size) { run(size, from + at, to + at); });
}

}  // namespace tinct::bench
#endif  // HWY_ONCE
