// Sums over the rows of a matrix on the GPU: bias gradients, and the parts of a split sum.
#pragma once

#include <cstddef>

namespace tinct {

struct bf16;

namespace gpu {

/// to (columns) = the sum of from (rows,columns) over its rows, in a tree fixed by the two extents.
void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to);
void sum_rows(std::size_t rows, std::size_t columns, const bf16* from, float* to);

}  // namespace gpu
}  // namespace tinct
