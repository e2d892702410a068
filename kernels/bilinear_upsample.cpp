// Bilinear resizing on the CPU.
#include "kernels/bilinear_upsample.h"

namespace tinct::cpu {

void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y) {
  ref::bilinear_upsample(s, oh, ow, align, x, y);
}

void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx) {
  ref::bilinear_upsample_backward(s, oh, ow, align, dy, dx);
}

}  // namespace tinct::cpu
