// Transposed convolution on the GPU, by the register tiles of convolution: the filter lies as a
// forward pass wants it, so bias and activation are fused and nothing is turned but dw.
#include "kernels/conv_transpose2d.h"

#include "core/simt/device.h"
#include "core/simt/simt.h"
#include "kernels/conv/register_tiles.h"
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

}  // namespace

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y) {
  correlate_register_tiles(transposed_correlations(s), Filter::along, x, w, bias, activation, y);
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx) {
  const Correlation all[] = {transposed_backward_data_correlation(s)};
  correlate_register_tiles(all, Filter::across, dy, w, nullptr, Activation::none, dx);
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
