// Nearest-neighbour resizing on the CPU.
#include "kernels/nearest_upsample.h"

namespace tinct::cpu {

void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y) {
  ref::nearest_upsample(s, oh, ow, x, y);
}

void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx) {
  ref::nearest_upsample_backward(s, oh, ow, dy, dx);
}

}  // namespace tinct::cpu
