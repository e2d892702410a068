// Matrix products on the GPU: cuBLAS where kernels/vendor/ finds it, a tiled kernel of ours
// elsewhere.
#pragma once

#include <cstddef>

namespace tinct {

/// c (m,n) = a b, row-major. a is (m,k), or (k,m) and transposed; b is (k,n), or (n,k) and
/// transposed.
struct GemmShape {
  std::size_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
};

namespace gpu {

/// On device memory. f32, one order of summation for one shape. k = 0 gives zeros.
void gemm(const GemmShape& s, const float* a, const float* b, float* c);
/// Our own kernel, in every build.
void gemm_tiled(const GemmShape& s, const float* a, const float* b, float* c);

}  // namespace gpu
}  // namespace tinct
