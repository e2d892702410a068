// The convolution ladder's rungs that are cuDNN's.
#include "kernels/vendor/cudnn.h"

#include <array>
#include <limits>
#include <map>
#include <memory>

#include "core/simt/bf16.h"
#include "core/simt/device.h"
#include "kernels/cast.h"
#include "kernels/conv/finish.h"
#include "kernels/conv/sums.h"
#include "kernels/vendor/cudnn_plan.h"

namespace tinct::vendor {
namespace {

using Key = std::array<std::size_t, 17>;

Key key_of(Conv2dPass pass, const Conv2dShape& s, CudnnMath math) {
  return {static_cast<std::size_t>(pass),
          static_cast<std::size_t>(math),
          s.n,
          s.h,
          s.w,
          s.c,
          s.k,
          s.kh,
          s.kw,
          s.stride_h,
          s.stride_w,
          s.dilation_h,
          s.dilation_w,
          s.pad_top,
          s.pad_left,
          s.pad_bottom,
          s.pad_right};
}

// Made once for a shape. A thread has its own, as it has its own handle.
CudnnPlan& plan(Conv2dPass pass, const Conv2dShape& s, CudnnMath math) {
  static thread_local std::map<Key, std::unique_ptr<CudnnPlan>> plans;
  std::unique_ptr<CudnnPlan>& found = plans[key_of(pass, s, math)];
  if (found == nullptr) found = make_cudnn_plan(pass, s, math);
  return *found;
}

// cuDNN pads both ends alike; more at an end does no harm where no further output fits.
bool describable(const Conv2dShape& s) {
  Conv2dShape even = s;
  even.pad_bottom = s.pad_top;
  even.pad_right = s.pad_left;
  const std::size_t most = std::numeric_limits<int>::max();
  return even.h + 2 * even.pad_top >= even.dilation_h * (even.kh - 1) + 1 &&
         even.w + 2 * even.pad_left >= even.dilation_w * (even.kw - 1) + 1 && even.oh() == s.oh() &&
         even.ow() == s.ow() && s.x_size() <= most && s.w_size() <= most && s.y_size() <= most;
}

template <CudnnMath kMath>
bool supports(Conv2dPass pass, const Conv2dShape& s) {
  return describable(s) && plan(pass, s, kMath).possible();
}

// The bias as cuDNN's epilogue takes it: stored as y is.
const float* as_stored(const float* bias, std::size_t, device::Array<float>&) {
  return bias;
}
const bf16* as_stored(const float* bias, std::size_t k, device::Array<bf16>& copy) {
  copy = device::Array<bf16>(k);
  gpu::cast(k, bias, copy.data());
  return copy.data();
}

template <CudnnMath kMath, class T>
void forward(const Conv2dShape& s, const T* x, const T* w, const float* bias, Activation activation,
             T* y) {
  CudnnPlan& chosen = plan(Conv2dPass::forward, s, kMath);
  const bool relu = activation == Activation::relu;
  if (bias != nullptr && (relu || activation == Activation::none)) {
    device::Array<T> copy;
    if (chosen.run_fused(x, w, as_stored(bias, s.k, copy), relu, y)) return;
  }
  chosen.run(x, w, y);
  gpu::add_bias(s.y_size(), s.k, bias, activation, y);
}

template <CudnnMath kMath, class T>
void backward_data(const Conv2dShape& s, const T* dy, const T* w, T* dx) {
  plan(Conv2dPass::backward_data, s, kMath).run(dy, w, dx);
}

template <CudnnMath kMath, class T>
void backward_weights(const Conv2dShape& s, const T* x, const T* dy, float* dw, float* db) {
  CudnnPlan& chosen = plan(Conv2dPass::backward_weights, s, kMath);
  if constexpr (kMath == CudnnMath::bf16) {
    device::Array<bf16> narrow(s.w_size());
    chosen.run(x, dy, narrow.data());
    gpu::cast(s.w_size(), narrow.data(), dw);
  } else {
    chosen.run(x, dy, dw);
  }
  if (db != nullptr) gpu::sum_rows(s.n * s.oh() * s.ow(), s.k, dy, db);
}

template <CudnnMath kMath, class T>
constexpr gpu::Conv2dRung<T> kRung = {7,
                                      kMath == CudnnMath::tf32 ? "cudnn_tf32" : "cudnn",
                                      "cuDNN, by the algorithm that it measures fastest",
                                      supports<kMath>,
                                      forward<kMath, T>,
                                      backward_data<kMath, T>,
                                      backward_weights<kMath, T>};

}  // namespace

const gpu::Conv2dRung<float>& cudnn_rung() {
  return kRung<CudnnMath::f32, float>;
}

const gpu::Conv2dRung<float>& cudnn_rung_tf32() {
  return kRung<CudnnMath::tf32, float>;
}

const gpu::Conv2dRung<bf16>& cudnn_rung_bf16() {
  return kRung<CudnnMath::bf16, bf16>;
}

}  // namespace tinct::vendor
