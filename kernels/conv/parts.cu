// Adding up the parts of a sum that several blocks share: the second launch of a split convolution.
// Bound by memory: 4 (parts + 1) bytes an element.
#include "kernels/conv/parts.h"

#include "core/simt/pack.h"
#include "kernels/activation_device.h"

namespace tinct::gpu {
namespace {

// A thread owns kWidth neighbours and adds their parts in order.
template <int kWidth>
__global__ void add_parts_kernel(std::size_t packs, int parts, const float* from, int n,
                                 const float* bias, Activation activation, float* y) {
  for (std::size_t i = first_item(); i < packs; i += item_step()) {
    Pack<kWidth> sum = load<kWidth>(from + i * kWidth);
    for (int p = 1; p < parts; ++p) {
      const Pack<kWidth> part = load<kWidth>(from + (p * packs + i) * kWidth);
#pragma unroll
      for (int j = 0; j < kWidth; ++j) sum.v[j] += part.v[j];
    }
    if (bias != nullptr) {
      const Pack<kWidth> more = load<kWidth>(bias + i * kWidth % n);
#pragma unroll
      for (int j = 0; j < kWidth; ++j) sum.v[j] += more.v[j];
    }
#pragma unroll
    for (int j = 0; j < kWidth; ++j) sum.v[j] = activate(activation, sum.v[j]);
    store<kWidth>(y + i * kWidth, sum);
  }
}

}  // namespace

void add_parts(std::size_t count, std::size_t parts, const float* from, std::size_t n,
               const float* bias, Activation activation, float* y) {
  with_width<float>(n, [=]<int kWidth>() {
    const std::size_t packs = count / kWidth;
    launch(over(packs), add_parts_kernel<kWidth>, packs, static_cast<int>(parts), from,
           static_cast<int>(n), bias, activation, y);
  });
}

}  // namespace tinct::gpu
