// Transposed convolution on the GPU, by the convolution kernels: input and output exchange roles.
//
// In f32 the register tiles take the filter as it lies, bias and activation are fused, and nothing
// but dw is turned. The tensor cores' data gradient wants the filter of the convolution, so in bf16
// it is turned first, and an activation follows in a launch of its own.
#include "kernels/conv_transpose2d.h"

#include "core/simt/device.h"
#include "core/simt/simt.h"
#include "kernels/activation.h"
#include "kernels/conv/register_tiles.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/tensor_core.h"

namespace tinct::gpu {
namespace {

// to (b,taps,a) = from (a,taps,b). Lanes read neighbours; weights are few beside pixels.
template <class T>
__global__ void exchange_kernel(int a, int taps, int b, const T* from, T* to) {
  const std::size_t count = static_cast<std::size_t>(a) * taps * b;
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    const std::size_t column = i % b, tap = i / b % taps, row = i / b / taps;
    to[(column * taps + tap) * a + row] = from[i];
  }
}

template <class T>
void exchange(std::size_t a, std::size_t taps, std::size_t b, const T* from, T* to) {
  launch(over(a * taps * b), exchange_kernel<T>, static_cast<int>(a), static_cast<int>(taps),
         static_cast<int>(b), from, to);
}

// w (k,taps,c) of the transposed convolution as the filter (c,taps,k) of the convolution.
device::Array<bf16> turned(const ConvTranspose2dShape& s, const bf16* w) {
  device::Array<bf16> filter(s.w_size());
  exchange(s.k, s.kh * s.kw, s.c, w, filter.data());
  return filter;
}

template <class T>
void backward_weights(const ConvTranspose2dShape& s, const T* x, const T* dy, float* dw,
                      float* db) {
  s.check();
  device::Array<float> filter(s.w_size());
  conv2d_backward_weights(s.conv(), dy, x, filter.data(), nullptr);
  exchange(s.c, s.kh * s.kw, s.k, filter.data(), dw);
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

void correlate(std::span<const Correlation> all, Filter filter, const float* x, const float* w,
               const float* bias, Activation activation, float* y) {
  const auto run = tf32_allowed() ? correlate_tf32 : correlate_register_tiles;
  run(all, filter, x, w, bias, activation, y, RegisterTiles::automatic);
}

}  // namespace

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y) {
  correlate(transposed_correlations(s), Filter::along, x, w, bias, activation, y);
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx) {
  const Correlation all[] = {transposed_backward_data_correlation(s)};
  correlate(all, Filter::across, dy, w, nullptr, Activation::none, dx);
}

void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db) {
  backward_weights(s, x, dy, dw, db);
}

void conv_transpose2d(const ConvTranspose2dShape& s, const bf16* x, const bf16* w,
                      const float* bias, Activation activation, bf16* y) {
  s.check();
  const device::Array<bf16> filter = turned(s, w);
  conv2d_backward_data_tensor_core(s.conv(), x, filter.data(), y, ConvTile::automatic, bias);
  if (activation != Activation::none) gpu::activation(activation, s.y_size(), y, y);
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const bf16* dy, const bf16* w,
                                    bf16* dx) {
  s.check();
  const device::Array<bf16> filter = turned(s, w);
  conv2d(s.conv(), dy, filter.data(), nullptr, Activation::none, dx);
}

void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const bf16* x, const bf16* dy,
                                       float* dw, float* db) {
  backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::gpu
