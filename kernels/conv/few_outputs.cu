// Convolution, the rung of few outputs: one to four output channels. The kernels are those of
// kernels/conv/thin.h with y thin: contract() forward, expand() for the data gradient,
// correlate_thin() for the weights.
//
// Bound by x (the data gradient: by dx): 2 taps k FLOPs an input beside the 4 (bf16: 2) bytes it
// takes; 64 to 2 channels, 3x3: 9 FLOPs a byte in f32, 18 in bf16.
#include "kernels/conv/special.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/thin.h"

namespace tinct::gpu {
namespace {

void require(Conv2dPass pass, const Conv2dShape& s) {
  s.check();
  require_supported(few_outputs_supports(pass, s), "few_outputs", s);
}

}  // namespace

bool few_outputs_supports(Conv2dPass pass, const Conv2dShape& s) {
  const bool any_stride = pass == Conv2dPass::forward;
  return thin_enough(s, ThinSide::output) && (any_stride || (s.stride_h == 1 && s.stride_w == 1));
}

template <class T>
void conv2d_few_outputs(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                        Activation activation, T* y) {
  require(Conv2dPass::forward, s);
  contract(thin_forward(s, ThinSide::output), x, w, bias, activation, y);
}

template <class T>
void conv2d_backward_data_few_outputs(const Conv2dShape& s, const T* dy, const T* w, T* dx) {
  require(Conv2dPass::backward_data, s);
  expand(thin_backward(s, ThinSide::output), dy, w, nullptr, Activation::none, dx);
}

template <class T>
void conv2d_backward_weights_few_outputs(const Conv2dShape& s, const T* x, const T* dy, float* dw,
                                         float* db) {
  require(Conv2dPass::backward_weights, s);
  correlate_thin(thin_backward(s, ThinSide::output), dy, x, dw);
  if (db != nullptr) sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

template void conv2d_few_outputs(const Conv2dShape&, const float*, const float*, const float*,
                                 Activation, float*);
template void conv2d_backward_data_few_outputs(const Conv2dShape&, const float*, const float*,
                                               float*);
template void conv2d_backward_weights_few_outputs(const Conv2dShape&, const float*, const float*,
                                                  float*, float*);
template void conv2d_few_outputs(const Conv2dShape&, const bf16*, const bf16*, const float*,
                                 Activation, bf16*);
template void conv2d_backward_data_few_outputs(const Conv2dShape&, const bf16*, const bf16*, bf16*);
template void conv2d_backward_weights_few_outputs(const Conv2dShape&, const bf16*, const bf16*,
                                                  float*, float*);

}  // namespace tinct::gpu
