// A convolution's two passes over pixels as one: outputs that gather inputs through taps.
#pragma once

#include "kernels/conv/conv2d.h"

namespace tinct::gpu {

/// One direction. Output i of `outputs`, at place first + i * step of its tensor, reads the inputs
/// i * stride + origin + j * delta that exist, with the filter's taps first_tap + j * tap_step, for
/// j in [0, taps).
struct Axis {
  int outputs = 0, first = 0, step = 1;
  int inputs = 0, stride = 1, origin = 0, delta = 1;
  int taps = 0, first_tap = 0, tap_step = 1;
};

/// The forward pass.
Axis forward_axis(std::size_t outputs, std::size_t inputs, std::size_t kernel, std::size_t stride,
                  std::size_t dilation, std::size_t pad);
/// The data gradient at the places `phase`, `phase` + stride, ...: those that the same taps reach,
/// one output apart. `outputs` and `inputs` are those of the convolution. May have no taps, or no
/// outputs.
Axis backward_axis(std::size_t outputs, std::size_t inputs, std::size_t kernel, std::size_t stride,
                   std::size_t dilation, std::size_t pad, std::size_t phase);

inline Axis forward_rows(const Conv2dShape& s) {
  return forward_axis(s.oh(), s.h, s.kh, s.stride_h, s.dilation_h, s.pad_top);
}
inline Axis forward_columns(const Conv2dShape& s) {
  return forward_axis(s.ow(), s.w, s.kw, s.stride_w, s.dilation_w, s.pad_left);
}
inline Axis backward_rows(const Conv2dShape& s, std::size_t phase) {
  return backward_axis(s.oh(), s.h, s.kh, s.stride_h, s.dilation_h, s.pad_top, phase);
}
inline Axis backward_columns(const Conv2dShape& s, std::size_t phase) {
  return backward_axis(s.ow(), s.w, s.kw, s.stride_w, s.dilation_w, s.pad_left, phase);
}

}  // namespace tinct::gpu
