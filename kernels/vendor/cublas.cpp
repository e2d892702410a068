// cuBLAS behind the contract of kernels/gemm.h. It counts columns first, so it is asked for the
// transpose: c^T = b^T a^T.
#include "kernels/vendor/cublas.h"

#include <cublas_v2.h>

#include "core/error.h"
#include "kernels/vendor/library.h"

namespace tinct::vendor {
namespace {

// Its functions, by name.
struct Cublas {
  Library library{"libcublas.so.13", {"libcublasLt.so.13"}};
#define TINCT_CUBLAS(name, symbol) \
  decltype(&::symbol) name = library.function<decltype(&::symbol)>(#symbol)
  TINCT_CUBLAS(create, cublasCreate_v2);
  TINCT_CUBLAS(destroy, cublasDestroy_v2);
  TINCT_CUBLAS(set_math_mode, cublasSetMathMode);
  TINCT_CUBLAS(sgemm, cublasSgemm_v2);
  TINCT_CUBLAS(status_string, cublasGetStatusString);
#undef TINCT_CUBLAS
};

const Cublas& cublas() {
  static const Cublas functions;
  return functions;
}

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(std::string("cuBLAS: ") + call + ": " + cublas().status_string(status));
}

// One a thread and math mode, for as long as the thread lives: making one takes memory and
// milliseconds.
class Handle {
 public:
  explicit Handle(cublasMath_t mode) {
    if (!cublas_problem().empty()) throw DeviceError("cuBLAS: " + cublas_problem());
    check(cublas().create(&value_), "cublasCreate");
    check(cublas().set_math_mode(value_, mode), "cublasSetMathMode");
  }
  ~Handle() { cublas().destroy(value_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  cublasHandle_t get() const { return value_; }

 private:
  cublasHandle_t value_ = nullptr;
};

cublasHandle_t handle(bool tf32) {
  if (tf32) {
    static thread_local const Handle rounded(CUBLAS_TF32_TENSOR_OP_MATH);
    return rounded.get();
  }
  static thread_local const Handle full(CUBLAS_DEFAULT_MATH);
  return full.get();
}

cublasOperation_t operation(bool transposed) {
  return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

const std::string& cublas_problem() {
  return cublas().library.problem();
}

void cublas_gemm(const GemmShape& s, const float* a, const float* b, float* c, bool tf32) {
  const float one = 1, zero = 0;
  const auto m = static_cast<int>(s.m), n = static_cast<int>(s.n), k = static_cast<int>(s.k);
  check(cublas().sgemm(handle(tf32), operation(s.transpose_b), operation(s.transpose_a), n, m, k,
                       &one, b, s.transpose_b ? k : n, a, s.transpose_a ? m : k, &zero, c, n),
        "cublasSgemm");
}

}  // namespace tinct::vendor
