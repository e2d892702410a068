// The ladder of convolutions on the GPU: every rung by name, for tests, benchmarks and study.
#pragma once

#include <span>

#include "kernels/conv/conv2d.h"

namespace tinct {

enum class Conv2dPass { forward, backward_data, backward_weights };

namespace gpu {

/// One way to compute convolutions whose x, w, y, dy and dx are stored as T; bias, dw and db are
/// always float. Arguments as those of tinct::gpu::conv2d and its kin, which call one of these.
template <class T>
struct Conv2dRung {
  int number;        ///< its place in the ladder, from 1
  const char* name;  ///< "naive"
  const char* idea;  ///< what it does that the rungs below it do not, in a line
  /// Whether it computes this pass of this shape.
  bool (*supports)(Conv2dPass pass, const Conv2dShape& s);
  // Null where the rung has no such pass.
  void (*forward)(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                  Activation activation, T* y);
  void (*backward_data)(const Conv2dShape& s, const T* dy, const T* w, T* dx);
  void (*backward_weights)(const Conv2dShape& s, const T* x, const T* dy, float* dw, float* db);
};

/// From the plainest to the one that is taken first; then "cudnn", for comparison alone, where
/// kernels/vendor/ finds that library.
std::span<const Conv2dRung<float>> conv2d_rungs();
/// Those that are taken instead where tf32 is allowed (kernels/conv/conv2d.h).
std::span<const Conv2dRung<float>> conv2d_rungs_tf32();
/// The last of our rungs that supports the shape: what gpu::conv2d and its kin call.
const Conv2dRung<float>& conv2d_rung(Conv2dPass pass, const Conv2dShape& s);
/// The same for tensors stored in bf16.
std::span<const Conv2dRung<bf16>> conv2d_rungs_bf16();
const Conv2dRung<bf16>& conv2d_rung_bf16(Conv2dPass pass, const Conv2dShape& s);

}  // namespace gpu
}  // namespace tinct
