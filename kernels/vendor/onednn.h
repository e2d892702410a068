// oneDNN behind the convolution contract: what the benchmarks compare with.
#pragma once

#include <memory>

#include "kernels/conv/conv2d.h"

namespace tinct::vendor {

enum class ConvPass { forward, backward_data, backward_weights };

/// One prepared convolution on threads() threads: plain NHWC activations, weights in the layout
/// that oneDNN prefers. Reordering the weights happens here, never in run().
class OnednnConv2d {
 public:
  /// The arrays that the pass only reads, of these three: x, w, dy; the others may be null. `bias`
  /// and `activation` (none or relu) belong to the forward pass. Throws DeviceError when oneDNN
  /// refuses.
  OnednnConv2d(const Conv2dShape& shape, ConvPass pass, const float* x, const float* w,
               const float* dy, const float* bias, Activation activation);
  ~OnednnConv2d();
  OnednnConv2d(const OnednnConv2d&) = delete;
  OnednnConv2d& operator=(const OnednnConv2d&) = delete;

  void run();
  /// Copies y, dx or dw out, in tinct's layout.
  void result(float* out) const;

 private:
  struct Prepared;
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace tinct::vendor
