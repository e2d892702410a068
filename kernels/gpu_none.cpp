// The functions of tinct::gpu in a build without a GPU backend: they throw.
#include "core/error.h"
#include "kernels/activation.h"
#include "kernels/conv/conv2d.h"

namespace tinct::gpu {
namespace {

[[noreturn]] void refuse() {
  throw DeviceError("this tinct was built without a GPU backend (TINCT_GPU=none)");
}

}  // namespace

void activation(Activation, std::size_t, const float*, float*, float) {
  refuse();
}
void activation_backward(Activation, std::size_t, const float*, const float*, float*, float) {
  refuse();
}
void conv2d_naive(const Conv2dShape&, const float*, const float*, const float*, Activation,
                  float*) {
  refuse();
}

}  // namespace tinct::gpu
