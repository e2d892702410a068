// cuBLAS behind the contract of kernels/gemm.h.
#pragma once

#include "kernels/gemm.h"

namespace tinct::vendor {

/// In f32 throughout, no TF32, on the default stream. m, n, k > 0. Throws DeviceError.
void cublas_gemm(const GemmShape& s, const float* a, const float* b, float* c);

}  // namespace tinct::vendor
