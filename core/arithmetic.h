// The arithmetic that tensors and the graph themselves need on the device.
#pragma once

#include <cstddef>

namespace tinct {

struct bf16;

namespace gpu {

/// x[i] = value.
void fill(std::size_t count, float value, float* x);
/// sum[i] = a[i] + b[i], in f32, rounded once; sum may be a or b.
void accumulate(std::size_t count, const float* a, const float* b, float* sum);
void accumulate(std::size_t count, const bf16* a, const bf16* b, bf16* sum);

}  // namespace gpu
}  // namespace tinct
