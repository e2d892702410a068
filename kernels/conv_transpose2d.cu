// Transposed convolution on the GPU, by the convolution kernels: input and output exchange roles.
#include "kernels/conv_transpose2d.h"

#include "core/simt/device.h"
#include "core/simt/simt.h"
#include "kernels/conv/epilogue.h"
#include "kernels/conv/sums.h"

namespace tinct::gpu {
namespace {

// to (b,taps,a) = from (a,taps,b). Lanes read neighbours; weights are few beside pixels.
__global__ void exchange_kernel(int a, int taps, int b, const float* from, float* to) {
  const std::size_t count = static_cast<std::size_t>(a) * taps * b;
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    const std::size_t column = i % b, tap = i / b % taps, row = i / b / taps;
    to[(column * taps + tap) * a + row] = from[i];
  }
}

void exchange(std::size_t a, std::size_t taps, std::size_t b, const float* from, float* to) {
  launch(over(a * taps * b), exchange_kernel, static_cast<int>(a), static_cast<int>(taps),
         static_cast<int>(b), from, to);
}

// y = activation(y + bias), y (pixels,k).
__global__ void finish(std::size_t count, int k, const float* bias, Activation activation,
                       float* y) {
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    y[i] = activate(activation, y[i] + (bias == nullptr ? 0 : bias[i % k]));
  }
}

}  // namespace

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y) {
  s.check();
  device::Array<float> exchanged(s.w_size());
  exchange(s.k, s.kh * s.kw, s.c, w, exchanged.data());
  conv2d_backward_data(s.conv(), x, exchanged.data(), y);
  if (bias == nullptr && activation == Activation::none) return;
  launch(over(s.y_size()), finish, s.y_size(), static_cast<int>(s.k), bias, activation, y);
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx) {
  s.check();
  device::Array<float> exchanged(s.w_size());
  exchange(s.k, s.kh * s.kw, s.c, w, exchanged.data());
  conv2d(s.conv(), dy, exchanged.data(), nullptr, Activation::none, dx);
}

void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db) {
  s.check();
  device::Array<float> exchanged(s.w_size());
  conv2d_backward_weights(s.conv(), dy, x, exchanged.data(), nullptr);
  exchange(s.c, s.kh * s.kw, s.k, exchanged.data(), dw);
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

}  // namespace tinct::gpu
