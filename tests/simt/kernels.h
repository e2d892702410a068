// Kernels that put the simulator to the test; each launches on device memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct::gpu {

/// sums[b] = the sum of the 256 numbers of block b, by a tree in shared memory.
void tree_sum(unsigned blocks, const float* x, float* sums);
/// sums[b] = the same by shuffles; dynamic shared memory holds a number a warp.
void shuffle_sum(unsigned blocks, const float* x, float* sums);
/// y (n,m) = the transpose of x (m,n), through a 32x33 or 32x32 tile; n and m multiples of 32.
void transpose(unsigned m, unsigned n, const float* x, float* y, bool padded);
/// Everything that 32 lanes can do together; out has 16 x 32 words.
void warp_words(unsigned* out);
/// d (16,8) = a (16,8) b (8,8), a and b rounded to tf32, by mma.sync.
void tf32_product(const float* a, const float* b, float* d);
/// d (16,8) = a (16,16) b (16,8), a and b bf16 bits, by mma.sync on fragments from ldmatrix.
void tile_product(const std::uint16_t* a, const std::uint16_t* b, float* d);
/// y = 2 x through cp.async, two groups in flight; `count` is a multiple of 512.
void double_by_async(unsigned count, const float* x, float* y);
/// counts[i] += how often x holds i, i < 16; total += the sum of x.
void histogram(std::size_t count, const unsigned* x, unsigned* counts, float* total);

}  // namespace tinct::gpu
