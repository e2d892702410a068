// The directions of a convolution's passes; host arithmetic, no kernel.
#include "kernels/conv/gather.h"

namespace tinct::gpu {
namespace {

int integer(std::size_t v) {
  return static_cast<int>(v);
}

}  // namespace

Axis forward_axis(std::size_t outputs, std::size_t inputs, std::size_t kernel, std::size_t stride,
                  std::size_t dilation, std::size_t pad) {
  Axis a;
  a.outputs = integer(outputs);
  a.inputs = integer(inputs);
  a.stride = integer(stride);
  a.origin = -integer(pad);
  a.delta = integer(dilation);
  a.taps = integer(kernel);
  return a;
}

// Input y gets dy[o] through tap r where o * stride = y + pad - r * dilation. For y = phase + i *
// stride that is o = i + (phase + pad - r * dilation) / stride, for every i or for none.
Axis backward_axis(std::size_t outputs, std::size_t inputs, std::size_t kernel, std::size_t stride,
                   std::size_t dilation, std::size_t pad, std::size_t phase) {
  const int d = integer(dilation), t = integer(stride), offset = integer(phase + pad);
  Axis a;
  a.outputs = phase < inputs ? integer((inputs - phase + stride - 1) / stride) : 0;
  a.first = integer(phase);
  a.step = t;
  a.inputs = integer(outputs);
  for (int r = 0; r < integer(kernel); ++r) {
    if ((offset - r * d) % t != 0) continue;
    if (a.taps == 0) {
      a.first_tap = r;
      a.origin = (offset - r * d) / t;
    } else if (a.taps == 1) {
      a.tap_step = r - a.first_tap;
      a.delta = -a.tap_step * d / t;
    }
    ++a.taps;
  }
  return a;
}

}  // namespace tinct::gpu
