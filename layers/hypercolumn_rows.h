// A hypercolumn convolution forward on the CPU, a few rows of the output at a time.
#pragma once

#include <vector>

#include "layers/hypercolumn_plan.h"

namespace tinct::hypercolumn {

/// The output of a plan with at least one small map, whose maps and weights are on the host; bias
/// may be null. Rows get the convolution of the maps of full size, then the sums of all small maps
/// while they are in cache; products are made as the sums need them, where their weights stay in
/// cache too.
Tensor forward_by_rows(const Plan& plan, const std::vector<Value>& maps, const Tensor& w,
                       const float* bias);

}  // namespace tinct::hypercolumn
