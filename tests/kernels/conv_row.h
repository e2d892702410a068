// All extents of a convolution in a line, so that a table of them can be read.
#pragma once

#include "kernels/conv/conv2d.h"

namespace tinct::test {

struct ConvRow {
  std::size_t n, h, w, c, k, kh, kw, stride, dilation, top, left, bottom, right;
  std::size_t stride_w = 0, dilation_w = 0;  ///< where they are not stride and dilation

  Conv2dShape shape() const {
    return {n,
            h,
            w,
            c,
            k,
            kh,
            kw,
            stride,
            stride_w > 0 ? stride_w : stride,
            dilation,
            dilation_w > 0 ? dilation_w : dilation,
            top,
            left,
            bottom,
            right};
  }
};

}  // namespace tinct::test
