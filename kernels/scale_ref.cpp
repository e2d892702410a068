// An array times a number, as it is written down.
#include "kernels/scale.h"

namespace tinct::ref {

void scale(std::size_t count, float factor, const float* x, float* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = factor * x[i];
}

}  // namespace tinct::ref
