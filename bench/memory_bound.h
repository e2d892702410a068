// What the benchmarks of memory-bound operations share: sizes, filled tensors, a copy
// to compare with.
#pragma once

#include <algorithm>
#include <string>

#include "bench/harness.h"
#include "core/tensor.h"

namespace tinct::bench {

/// Activations of a U-Net at batch 8: beyond the caches, at its first level, at its third, and with
/// channels that fill no vector.
inline constexpr Shape kActivationShapes[] = {
    {8, 256, 256, 64}, {8, 128, 128, 64}, {8, 32, 32, 256}, {8, 128, 128, 33}};

inline Tensor random_tensor(Shape shape, std::uint64_t seed) {
  Tensor t(shape);
  const std::vector<float> values = random_floats(t.size(), seed);
  std::copy(values.begin(), values.end(), t.f32());
  return t;
}

/// Copies with non-temporal stores on all threads: the fastest way to move as many bytes.
void stream_copy(std::size_t count, const float* from, float* to);

/// Our kernel against a plain copy that moves as many bytes: `floats` is what one run must move.
inline void run_against_copy(Bench& bench, const std::string& group, const Shape& shape,
                             double floats, const std::function<void()>& run,
                             const std::function<std::string()>& check = {}) {
  if (!bench.wants(group, to_string(shape))) return;
  Case work;
  work.group = group;
  work.name = to_string(shape);
  work.bytes = 4 * floats;
  const Tensor from = Tensor::full({1, 1, 1, static_cast<std::size_t>(floats / 2)}, 1);
  Tensor to = from.clone();
  work.sides = {{"tinct", run}, {"copy", [&] { stream_copy(from.size(), from.f32(), to.f32()); }}};
  work.check = check;
  bench.run(work);
}

/// The check of a case whose result is `ours`: `plain` fills a tensor of that shape with the
/// reference's.
inline std::function<std::string()> agrees(const Tensor& ours, double tolerance,
                                           const std::function<void(Tensor&)>& plain) {
  return [=] {
    Tensor expected(ours.shape());
    plain(expected);
    return compare(ours.f32(), expected.f32(), ours.size(), tolerance);
  };
}

}  // namespace tinct::bench
