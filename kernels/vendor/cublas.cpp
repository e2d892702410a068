// cuBLAS behind the contract of kernels/gemm.h. It counts columns first, so it is asked for the
// transpose: c^T = b^T a^T.
#include "kernels/vendor/cublas.h"

#include <cublas_v2.h>

#include <string>

#include "core/error.h"

namespace tinct::vendor {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(std::string("cuBLAS: ") + call + ": " + cublasGetStatusString(status));
}

// One a thread, for as long as it lives: making one takes memory and milliseconds.
cublasHandle_t handle() {
  struct Handle {
    cublasHandle_t value = nullptr;
    Handle() {
      check(cublasCreate(&value), "cublasCreate");
      check(cublasSetMathMode(value, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
    }
    ~Handle() { cublasDestroy(value); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
  };
  static thread_local const Handle handle;
  return handle.value;
}

cublasOperation_t operation(bool transposed) {
  return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

void cublas_gemm(const GemmShape& s, const float* a, const float* b, float* c) {
  const float one = 1, zero = 0;
  const auto m = static_cast<int>(s.m), n = static_cast<int>(s.n), k = static_cast<int>(s.k);
  check(cublasSgemm(handle(), operation(s.transpose_b), operation(s.transpose_a), n, m, k, &one, b,
                    s.transpose_b ? k : n, a, s.transpose_a ? m : k, &zero, c, n),
        "cublasSgemm");
}

}  // namespace tinct::vendor
