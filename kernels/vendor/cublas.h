// cuBLAS behind the contract of kernels/gemm.h.
#pragma once

#include <string>

#include "kernels/gemm.h"

namespace tinct::vendor {

/// Why cuBLAS cannot be used in this process, in a line; empty when it can.
const std::string& cublas_problem();

/// On the default stream, in f32 throughout; with `tf32` the factors are rounded to 11 bits for
/// tensor cores. m, n, k > 0. Throws DeviceError.
void cublas_gemm(const GemmShape& s, const float* a, const float* b, float* c, bool tf32 = false);

}  // namespace tinct::vendor
