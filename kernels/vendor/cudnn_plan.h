// One convolution by cuDNN 9: described, its algorithm measured, run.
#pragma once

#include <memory>

#include "kernels/conv/rungs.h"

namespace tinct::vendor {

/// How numbers are stored and multiplied; sums are always f32.
enum class CudnnMath {
  f32,   ///< stored and multiplied in f32
  tf32,  ///< stored in f32, rounded to 11 bits for tensor cores
  bf16,  ///< stored in bf16
};

/// One pass of one convolution on device arrays, x, w, y, dx, dw and dy all stored alike. All but
/// possible() throw DeviceError.
class CudnnPlan {
 public:
  virtual ~CudnnPlan() = default;
  /// Whether cuDNN has an algorithm whose results are the same bits in every call.
  virtual bool possible() const = 0;
  /// a, b and out are x, w, y; dy, w, dx; or x, dy, dw. The first call measures the algorithms that
  /// there are on the arrays themselves.
  virtual void run(const void* a, const void* b, void* out) = 0;
  /// y = conv(x, w) + bias, and ReLU, in one launch; bias stored as y is. False, and y is not set,
  /// where cuDNN has no such kernel.
  virtual bool run_fused(const void* x, const void* w, const void* bias, bool relu, void* y) = 0;
};

/// The padding at the two ends must be alike, and sizes be below 2^31. Throws DeviceError.
std::unique_ptr<CudnnPlan> make_cudnn_plan(Conv2dPass pass, const Conv2dShape& s, CudnnMath math);

}  // namespace tinct::vendor
