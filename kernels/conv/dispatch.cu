// Which rung of the ladder computes a convolution: the one place where rungs are named and chosen.
#include <type_traits>
#include <vector>

#include "kernels/conv/rungs.h"
#include "kernels/conv/rungs_f32.h"
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

template <class T>
constexpr Conv2dRung<T> kFirstLayer = {
    5,
    "first_layer",
    "one to four channels in: the filter and a tile of x in shared memory",
    first_layer_supports,
    conv2d_first_layer<T>,
    conv2d_backward_data_first_layer<T>,
    conv2d_backward_weights_first_layer<T>};

template <class T>
constexpr Conv2dRung<T> kFewOutputs = {
    6,
    "few_outputs",
    "one to four channels out: each vector of x read once for a row of taps",
    few_outputs_supports,
    conv2d_few_outputs<T>,
    conv2d_backward_data_few_outputs<T>,
    conv2d_backward_weights_few_outputs<T>};

constexpr Conv2dRung<float> kRungs[] = {
    {1, "naive", "a thread an output, everything from device memory", always, conv2d_naive,
     conv2d_backward_data_naive, conv2d_backward_weights_naive},
    {2, "shared_tiles", "32 x 32 tiles in shared memory, each number read once for 32 results",
     always, conv2d_shared_tiles, conv2d_backward_data_shared_tiles,
     conv2d_backward_weights_shared_tiles},
    {3, "register_tiles", "implicit GEMM: 8 x 8 sums a thread, 16-byte copies under way meanwhile",
     always, conv2d_register_tiles, conv2d_backward_data_register_tiles,
     conv2d_backward_weights_register_tiles},
    kFirstLayer<float>,
    kFewOutputs<float>,
};

constexpr Conv2dRung<float> kRungsTf32[] = {
    {4, "register_tiles_tf32", "the walk of register_tiles on mma.sync, products of tf32", always,
     conv2d_tf32, conv2d_backward_data_tf32, conv2d_backward_weights_tf32},
    kFirstLayer<float>,
    kFewOutputs<float>,
};

// Tiles of the size that suits the shape.
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

constexpr Conv2dRung<bf16> kRungsBf16[] = {
    {4, "tensor_core", "implicit GEMM on mma.sync, bf16 in, f32 sums", always, forward,
     backward_data, backward_weights},
    kFirstLayer<bf16>,
    kFewOutputs<bf16>,
};

template <class T>
bool has(const Conv2dRung<T>& rung, Conv2dPass pass) {
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

template <class T>
const Conv2dRung<T>& last_of(std::span<const Conv2dRung<T>> rungs, Conv2dPass pass,
                             const Conv2dShape& s) {
  s.check();
  const Conv2dRung<T>* last = &rungs.front();
  for (const Conv2dRung<T>& rung : rungs) {
    if (has(rung, pass) && rung.supports(pass, s)) last = &rung;
  }
  return *last;
}

// Ours, and cuDNN's where it can be opened.
template <class T>
std::vector<Conv2dRung<T>> with_vendor(std::span<const Conv2dRung<T>> ours) {
  std::vector<Conv2dRung<T>> rungs(ours.begin(), ours.end());
#ifdef TINCT_WITH_CUDNN
  if (vendor::cudnn_problem().empty()) {
    if constexpr (std::is_same_v<T, float>) {
      rungs.push_back(vendor::cudnn_rung());
    } else {
      rungs.push_back(vendor::cudnn_rung_bf16());
    }
  }
#endif
  return rungs;
}

}  // namespace

std::span<const Conv2dRung<float>> conv2d_rungs() {
  static const std::vector<Conv2dRung<float>> rungs = with_vendor<float>(kRungs);
  return rungs;
}
std::span<const Conv2dRung<bf16>> conv2d_rungs_bf16() {
  static const std::vector<Conv2dRung<bf16>> rungs = with_vendor<bf16>(kRungsBf16);
  return rungs;
}

std::span<const Conv2dRung<float>> conv2d_rungs_tf32() {
  return kRungsTf32;
}

const Conv2dRung<float>& conv2d_rung(Conv2dPass pass, const Conv2dShape& s) {
  return tf32_allowed() ? last_of<float>(kRungsTf32, pass, s) : last_of<float>(kRungs, pass, s);
}
const Conv2dRung<bf16>& conv2d_rung_bf16(Conv2dPass pass, const Conv2dShape& s) {
  return last_of<bf16>(kRungsBf16, pass, s);
}

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  conv2d_rung(Conv2dPass::forward, s).forward(s, x, w, bias, activation, y);
}
void conv2d(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
            Activation activation, bf16* y) {
  conv2d_rung_bf16(Conv2dPass::forward, s).forward(s, x, w, bias, activation, y);
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  conv2d_rung(Conv2dPass::backward_data, s).backward_data(s, dy, w, dx);
}
void conv2d_backward_data(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx) {
  conv2d_rung_bf16(Conv2dPass::backward_data, s).backward_data(s, dy, w, dx);
}

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                             float* db) {
  conv2d_rung(Conv2dPass::backward_weights, s).backward_weights(s, x, dy, dw, db);
}
void conv2d_backward_weights(const Conv2dShape& s, const bf16* x, const bf16* dy, float* dw,
                             float* db) {
  conv2d_rung_bf16(Conv2dPass::backward_weights, s).backward_weights(s, x, dy, dw, db);
}

}  // namespace tinct::gpu
