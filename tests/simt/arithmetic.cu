// Arithmetic to count; the lines that tests look at say so.
#include "tests/simt/arithmetic.h"

#include "core/simt/simt.h"

namespace tinct::gpu {
namespace {

__global__ void saxpy_kernel(unsigned n, float a, const float* x, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += a * x[i];  // line 11
}

__global__ void powers_kernel(unsigned rounds, const float* x, float* y) {
  float sum = 0, power = 1;
  for (unsigned r = 0; r < rounds; ++r) {
    power *= x[threadIdx.x];  // line 17
    sum += power;
  }
  y[threadIdx.x] = sum;
}

__global__ void divide_some_kernel(unsigned lanes, const float* x, float* y) {
  if (threadIdx.x < lanes) y[threadIdx.x] /= x[threadIdx.x];
}

__global__ void shift_integers_kernel(const unsigned* x, unsigned* y) {
  y[threadIdx.x] = 3 * x[threadIdx.x] + (x[threadIdx.x] >> 1);
}

__global__ void multiply_vectors_kernel(const float4* x, float4* y) {
  const float4 a = x[threadIdx.x], b = y[threadIdx.x];
  y[threadIdx.x] = make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

__global__ void roots_kernel(const double* x, double* y) {
  y[threadIdx.x] = sqrt(x[threadIdx.x]) - 1;
}

__global__ void clamp_kernel(const float* x, float* y) {
  y[threadIdx.x] = min(max(-x[threadIdx.x], -1.0f), 1.0f);
}

__global__ void divide_by_count_kernel(std::uint64_t n, const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x] / static_cast<float>(n);
}

__global__ void functions_kernel(const float* x, float* y) {
  const float v = x[threadIdx.x], above = expf(v) + 1;
  y[threadIdx.x] = fmaf(v, v, above);
}

}  // namespace

void saxpy(unsigned n, float a, const float* x, float* y) {
  launch({(n + 63) / 64, 64}, saxpy_kernel, n, a, x, y);
}
void powers(unsigned rounds, const float* x, float* y) {
  launch({1, 32}, powers_kernel, rounds, x, y);
}
void divide_some(unsigned lanes, const float* x, float* y) {
  launch({1, 32}, divide_some_kernel, lanes, x, y);
}
void shift_integers(const unsigned* x, unsigned* y) {
  launch({1, 32}, shift_integers_kernel, x, y);
}
void multiply_vectors(const float* x, float* y) {
  launch({1, 32}, multiply_vectors_kernel, reinterpret_cast<const float4*>(x),
         reinterpret_cast<float4*>(y));
}
void roots(const double* x, double* y) {
  launch({1, 32}, roots_kernel, x, y);
}
void clamp(const float* x, float* y) {
  launch({1, 32}, clamp_kernel, x, y);
}
void divide_by_count(std::uint64_t n, const float* x, float* y) {
  launch({1, 32}, divide_by_count_kernel, n, x, y);
}
void functions(const float* x, float* y) {
  launch({1, 32}, functions_kernel, x, y);
}

}  // namespace tinct::gpu
