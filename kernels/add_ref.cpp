// Addition as it is written down.
#include "kernels/activation.h"
#include "kernels/add.h"

namespace tinct::ref {

void add(std::size_t count, const float* a, const float* b, Activation activation, float* y) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<float>(activate(activation, double{a[i]} + b[i]));
  }
}

}  // namespace tinct::ref
