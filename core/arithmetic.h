// The arithmetic that tensors and the graph themselves need on the device.
#pragma once

#include <cstddef>

namespace tinct::gpu {

/// x[i] = value.
void fill(std::size_t count, float value, float* x);
/// sum[i] = a[i] + b[i]; sum may be a or b.
void accumulate(std::size_t count, const float* a, const float* b, float* sum);

}  // namespace tinct::gpu
