// Which rung computes a convolution stored in bf16.
#include <iterator>
#include <vector>

#include "kernels/conv/special.h"
#include "kernels/conv/tensor_core.h"
#ifdef TINCT_WITH_CUDNN
#include "kernels/vendor/cudnn.h"
#endif

namespace tinct::gpu {
namespace {

bool always(Conv2dPass, const Conv2dShape&) {
  return true;
}

void forward(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
             Activation activation, bf16* y) {
  conv2d_tensor_core(s, x, w, bias, activation, y);
}
void backward_data(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx) {
  conv2d_backward_data_tensor_core(s, dy, w, dx);
}
void backward_weights(const Conv2dShape& s, const bf16* x, const bf16* dy, float* dw, float* db) {
  conv2d_backward_weights_tensor_core(s, x, dy, dw, db);
}

constexpr Conv2dRung<bf16> kRungs[] = {
    {4, "tensor_core", "implicit GEMM on mma.sync, bf16 in, f32 sums", always, forward,
     backward_data, backward_weights},
    {5, "first_layer", "one to four channels in: the filter and a tile of x in shared memory",
     first_layer_supports, conv2d_first_layer<bf16>, conv2d_backward_data_first_layer<bf16>,
     conv2d_backward_weights_first_layer<bf16>},
    {6, "few_outputs", "one to four channels out: each vector of x read once for a row of taps",
     few_outputs_supports, conv2d_few_outputs<bf16>, conv2d_backward_data_few_outputs<bf16>,
     conv2d_backward_weights_few_outputs<bf16>},
};

// Ours, and cuDNN's where it can be opened.
std::vector<Conv2dRung<bf16>> with_vendor_rungs() {
  std::vector<Conv2dRung<bf16>> rungs(std::begin(kRungs), std::end(kRungs));
#ifdef TINCT_WITH_CUDNN
  if (vendor::cudnn_problem().empty()) rungs.push_back(vendor::cudnn_rung_bf16());
#endif
  return rungs;
}

}  // namespace

std::span<const Conv2dRung<bf16>> conv2d_rungs_bf16() {
  static const std::vector<Conv2dRung<bf16>> rungs = with_vendor_rungs();
  return rungs;
}

const Conv2dRung<bf16>& conv2d_rung_bf16(Conv2dPass pass, const Conv2dShape& s) {
  s.check();
  const Conv2dRung<bf16>* best = kRungs;
  for (const Conv2dRung<bf16>& rung : kRungs) {
    if (rung.supports(pass, s)) best = &rung;
  }
  return *best;
}

void conv2d(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
            Activation activation, bf16* y) {
  conv2d_rung_bf16(Conv2dPass::forward, s).forward(s, x, w, bias, activation, y);
}

void conv2d_backward_data(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx) {
  conv2d_rung_bf16(Conv2dPass::backward_data, s).backward_data(s, dy, w, dx);
}

void conv2d_backward_weights(const Conv2dShape& s, const bf16* x, const bf16* dy, float* dw,
                             float* db) {
  conv2d_rung_bf16(Conv2dPass::backward_weights, s).backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::gpu
