// Sums over the rows of a matrix on the GPU: bias gradients, and the parts of a split sum.
#pragma once

#include <cstddef>

namespace tinct::gpu {

/// to (columns) = the sum of from (rows,columns) over its rows, in a tree fixed by the two extents.
void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to);

}  // namespace tinct::gpu
