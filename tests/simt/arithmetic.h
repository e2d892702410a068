// Kernels whose floating-point operations a person can count.
#pragma once

#include <cstdint>

namespace tinct::gpu {

/// y[i] += a x[i] for i < n.
void saxpy(unsigned n, float a, const float* x, float* y);
/// One warp: y[i] = the sum of the first `rounds` powers of x[i].
void powers(unsigned rounds, const float* x, float* y);
/// One warp, lanes below `lanes`: y[i] /= x[i], the others as they are.
void divide_some(unsigned lanes, const float* x, float* y);
/// One warp: integers only.
void shift_integers(const unsigned* x, unsigned* y);
/// One warp: y[i] = x[i] y[i], four numbers a lane, 16-byte aligned.
void multiply_vectors(const float* x, float* y);
/// One warp: y[i] = sqrt(x[i]) - 1 in double.
void roots(const double* x, double* y);
/// One warp: y[i] = min(max(-x[i], -1), 1): comparisons and a sign.
void clamp(const float* x, float* y);
/// One warp: y[i] = x[i] / n: on the way to a float, n takes one of two paths.
void divide_by_count(std::uint64_t n, const float* x, float* y);
/// One warp: y[i] = exp(x[i]) + 1, then fma(x[i], x[i], y[i]).
void functions(const float* x, float* y);

}  // namespace tinct::gpu
