// What is left to do around a library's convolution or matrix product on the GPU. Bound by memory:
// 8 bytes an element (bf16: 4), and 6 where the storage changes.
#include "kernels/conv/finish.h"

#include "core/simt/pack.h"
#include "kernels/activation_device.h"

namespace tinct::gpu {
namespace {

// A thread owns kWidth neighbours of a row.
template <int kWidth, class T>
__global__ void add_bias_kernel(std::size_t packs, int k, const float* bias, Activation activation,
                                T* y) {
  for (std::size_t i = first_item(); i < packs; i += item_step()) {
    Pack<kWidth> v = load<kWidth>(y + i * kWidth);
    const int column = static_cast<int>(i * kWidth % static_cast<unsigned>(k));
#pragma unroll
    for (int j = 0; j < kWidth; ++j) {
      v.v[j] = activate(activation, bias != nullptr ? v.v[j] + bias[column + j] : v.v[j]);
    }
    store<kWidth>(y + i * kWidth, v);
  }
}

template <class T>
void add_bias_of(std::size_t count, std::size_t k, const float* bias, Activation activation, T* y) {
  if (count == 0 || (bias == nullptr && activation == Activation::none)) return;
  with_width<T>(k, [=]<int kWidth>() {
    const std::size_t packs = count / kWidth;
    launch(over(packs), add_bias_kernel<kWidth, T>, packs, static_cast<int>(k), bias, activation,
           y);
  });
}

}  // namespace

void add_bias(std::size_t count, std::size_t k, const float* bias, Activation activation,
              float* y) {
  add_bias_of(count, k, bias, activation, y);
}

void add_bias(std::size_t count, std::size_t k, const float* bias, Activation activation, bf16* y) {
  add_bias_of(count, k, bias, activation, y);
}

}  // namespace tinct::gpu
