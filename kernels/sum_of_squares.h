// The sum of the squares of an array on the GPU: the reduction in its plainest form, as a ladder.
// Production sums (losses, gradient norms, batch statistics) are made as the last rung is.
#pragma once

#include <cstddef>

namespace tinct::gpu {

/// A thread an element, a tree in shared memory whose active threads lie further and further apart.
double sum_of_squares_tree(std::size_t count, const float* x);
/// A thread an element, trees of shuffles.
double sum_of_squares_shuffle(std::size_t count, const float* x);
/// Vectors of four, many a thread, then shuffles: as many blocks as fill the card, however long x
/// is. x is 16-byte aligned.
double sum_of_squares(std::size_t count, const float* x);

}  // namespace tinct::gpu
