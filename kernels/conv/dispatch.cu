// Which rung of the ladder computes a convolution: the one place where rungs are named and chosen.
#include <iterator>
#include <vector>

#include "kernels/conv/rungs.h"
#include "kernels/conv/rungs_f32.h"
#include "kernels/conv/special.h"
#ifdef TINCT_WITH_CUDNN
#include "kernels/vendor/cudnn.h"
#endif

namespace tinct::gpu {
namespace {

bool always(Conv2dPass, const Conv2dShape&) {
  return true;
}

constexpr Conv2dRung<float> kRungs[] = {
    {1, "naive", "a thread an output, everything from device memory", always, conv2d_naive,
     conv2d_backward_data_naive, conv2d_backward_weights_naive},
    {2, "shared_tiles", "32 x 32 tiles in shared memory, each number read once for 32 results",
     always, conv2d_shared_tiles, conv2d_backward_data_shared_tiles,
     conv2d_backward_weights_shared_tiles},
    {3, "register_tiles", "implicit GEMM: 8 x 8 sums a thread, 16-byte copies under way meanwhile",
     always, conv2d_register_tiles, conv2d_backward_data_register_tiles,
     conv2d_backward_weights_register_tiles},
    {5, "first_layer", "one to four channels in: the filter and a tile of x in shared memory",
     first_layer_supports, conv2d_first_layer<float>, conv2d_backward_data_first_layer<float>,
     conv2d_backward_weights_first_layer<float>},
    {6, "few_outputs", "one to four channels out: each vector of x read once for a row of taps",
     few_outputs_supports, conv2d_few_outputs<float>, conv2d_backward_data_few_outputs<float>,
     conv2d_backward_weights_few_outputs<float>},
};

bool has(const Conv2dRung<float>& rung, Conv2dPass pass) {
  switch (pass) {
    case Conv2dPass::forward:
      return rung.forward != nullptr;
    case Conv2dPass::backward_data:
      return rung.backward_data != nullptr;
    case Conv2dPass::backward_weights:
      return rung.backward_weights != nullptr;
  }
  return false;
}

// Ours, and cuDNN's where it can be opened.
std::vector<Conv2dRung<float>> with_vendor_rungs() {
  std::vector<Conv2dRung<float>> rungs(std::begin(kRungs), std::end(kRungs));
#ifdef TINCT_WITH_CUDNN
  if (vendor::cudnn_problem().empty()) rungs.push_back(vendor::cudnn_rung());
#endif
  return rungs;
}

}  // namespace

std::span<const Conv2dRung<float>> conv2d_rungs() {
  static const std::vector<Conv2dRung<float>> rungs = with_vendor_rungs();
  return rungs;
}

const Conv2dRung<float>& conv2d_rung(Conv2dPass pass, const Conv2dShape& s) {
  s.check();
  const Conv2dRung<float>* best = kRungs;
  for (const Conv2dRung<float>& rung : kRungs) {
    if (has(rung, pass) && rung.supports(pass, s)) best = &rung;
  }
  return *best;
}

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  conv2d_rung(Conv2dPass::forward, s).forward(s, x, w, bias, activation, y);
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  conv2d_rung(Conv2dPass::backward_data, s).backward_data(s, dy, w, dx);
}

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db) {
  conv2d_rung(Conv2dPass::backward_weights, s).backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::gpu
