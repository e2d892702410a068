// Convolution, the rung of the first layer: one to four input channels. The kernels are those of
// kernels/conv/thin.h with x thin: expand() forward, correlate_thin() for the weights, contract()
// for the data gradient, which is rarely wanted.
//
// Bound by y: 2 taps c FLOPs an output beside the 4 (bf16: 2) bytes it takes; 3 to 64 channels,
// 3x3: 13.5 FLOPs a byte in f32, 27 in bf16.
#include "kernels/conv/special.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/thin.h"

namespace tinct::gpu {
namespace {

void require(Conv2dPass pass, const Conv2dShape& s) {
  s.check();
  require_supported(first_layer_supports(pass, s), "first_layer", s);
}

}  // namespace

bool first_layer_supports(Conv2dPass pass, const Conv2dShape& s) {
  const bool any_stride = pass != Conv2dPass::backward_data;
  return thin_enough(s, ThinSide::input) && (any_stride || (s.stride_h == 1 && s.stride_w == 1));
}

template <class T>
void conv2d_first_layer(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                        Activation activation, T* y) {
  require(Conv2dPass::forward, s);
  expand(thin_forward(s, ThinSide::input), x, w, bias, activation, y);
}

template <class T>
void conv2d_backward_data_first_layer(const Conv2dShape& s, const T* dy, const T* w, T* dx) {
  require(Conv2dPass::backward_data, s);
  contract(thin_backward(s, ThinSide::input), dy, w, nullptr, Activation::none, dx);
}

template <class T>
void conv2d_backward_weights_first_layer(const Conv2dShape& s, const T* x, const T* dy, float* dw,
                                         float* db) {
  require(Conv2dPass::backward_weights, s);
  correlate_thin(thin_forward(s, ThinSide::input), x, dy, dw);
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

template void conv2d_first_layer(const Conv2dShape&, const float*, const float*, const float*,
                                 Activation, float*);
template void conv2d_backward_data_first_layer(const Conv2dShape&, const float*, const float*,
                                               float*);
template void conv2d_backward_weights_first_layer(const Conv2dShape&, const float*, const float*,
                                                  float*, float*);
template void conv2d_first_layer(const Conv2dShape&, const bf16*, const bf16*, const float*,
                                 Activation, bf16*);
template void conv2d_backward_data_first_layer(const Conv2dShape&, const bf16*, const bf16*, bf16*);
template void conv2d_backward_weights_first_layer(const Conv2dShape&, const bf16*, const bf16*,
                                                  float*, float*);

}  // namespace tinct::gpu
