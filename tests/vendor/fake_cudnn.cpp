// A stand-in for libcudnn.so.9 on machines without a card: the functions that kernels/vendor/
// calls, as plain loops over host memory that check what they are given. It offers each convolution
// three algorithms: one that is not deterministic, one that works, one that it does not have. With
// FAKE_CUDNN=no-fusion or no-measuring in the environment it has no such function.
#include <cudnn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

struct cudnnContext {};
struct cudnnTensorStruct {
  cudnnDataType_t type;
  int n, c, h, w;
};
struct cudnnFilterStruct {
  cudnnDataType_t type;
  int k, c, h, w;
};
struct cudnnConvolutionStruct {
  int pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w;
  cudnnMathType_t math;
};
struct cudnnActivationStruct {
  cudnnActivationMode_t mode;
};

namespace {

using Tensor = const cudnnTensorStruct*;
using Filter = const cudnnFilterStruct*;
using Convolution = const cudnnConvolutionStruct*;

constexpr std::size_t kWorkspace = 128;

bool told(const char* word) {
  const char* value = std::getenv("FAKE_CUDNN");
  return value != nullptr && std::string(value) == word;
}

float get(const void* array, std::size_t i, cudnnDataType_t type) {
  if (type == CUDNN_DATA_FLOAT) return static_cast<const float*>(array)[i];
  const std::uint32_t wide = std::uint32_t{static_cast<const std::uint16_t*>(array)[i]} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

void put(void* array, std::size_t i, cudnnDataType_t type, double value) {
  const auto narrow = static_cast<float>(value);
  if (type == CUDNN_DATA_FLOAT) {
    static_cast<float*>(array)[i] = narrow;
    return;
  }
  std::uint32_t wide;
  std::memcpy(&wide, &narrow, sizeof wide);
  wide += 0x7FFF + (wide >> 16 & 1);
  static_cast<std::uint16_t*>(array)[i] = static_cast<std::uint16_t>(wide >> 16);
}

std::size_t size(Tensor t) {
  return std::size_t(t->n) * t->c * t->h * t->w;
}

int outputs(int in, int kernel, int pad, int stride, int dilation) {
  return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

bool fits(Tensor x, Filter w, Convolution c, Tensor y) {
  return x->type == y->type && x->type == w->type && x->n == y->n && x->c == w->c && y->c == w->k &&
         y->h == outputs(x->h, w->h, c->pad_h, c->stride_h, c->dilation_h) &&
         y->w == outputs(x->w, w->w, c->pad_w, c->stride_w, c->dilation_w);
}

// Calls f(index in x, index in w, index in y) for each product, all of them NHWC.
template <class F>
void for_each_product(Tensor x, Filter w, Convolution c, Tensor y, F f) {
  for (std::size_t o = 0; o < size(y); ++o) {
    const int k = int(o % y->c), ox = int(o / y->c % y->w), oy = int(o / y->c / y->w % y->h);
    const int n = int(o / y->c / y->w / y->h);
    for (int tap = 0; tap < w->h * w->w; ++tap) {
      const int iy = oy * c->stride_h + tap / w->w * c->dilation_h - c->pad_h;
      const int ix = ox * c->stride_w + tap % w->w * c->dilation_w - c->pad_w;
      if (iy < 0 || ix < 0 || iy >= x->h || ix >= x->w) continue;
      const std::size_t pixel = (std::size_t(n) * x->h + iy) * x->w + ix;
      const std::size_t filter = std::size_t(k) * w->h * w->w + tap;
      for (int i = 0; i < x->c; ++i) f(pixel * x->c + i, filter * w->c + i, o);
    }
  }
}

// Of three: one that is not deterministic; one that it does not have, for another math type or, as
// a guess, for the right one; and the one that works.
template <class Found, class Algorithm>
cudnnStatus_t offer(Found* found, int most, int* count, Algorithm unsteady, Algorithm good,
                    cudnnMathType_t math) {
  if (most < 3) return CUDNN_STATUS_BAD_PARAM;
  const cudnnMathType_t other = told("no-measuring")     ? math
                                : math == CUDNN_FMA_MATH ? CUDNN_DEFAULT_MATH
                                                         : CUDNN_FMA_MATH;
  found[0] = {unsteady, CUDNN_STATUS_SUCCESS, 1, 0, CUDNN_NON_DETERMINISTIC, math, {}};
  found[1] = {unsteady, CUDNN_STATUS_SUCCESS, 2, kWorkspace, CUDNN_DETERMINISTIC, other, {}};
  found[2] = {good, CUDNN_STATUS_SUCCESS, 3, kWorkspace, CUDNN_DETERMINISTIC, math, {}};
  *count = 3;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t run_forward(Tensor xd, const void* x, Filter wd, const void* w, Convolution c,
                          Tensor yd, void* y, const void* bias, bool relu) {
  if (!fits(xd, wd, c, yd)) return CUDNN_STATUS_BAD_PARAM;
  std::vector<double> sum(size(yd));
  for_each_product(xd, wd, c, yd, [&](std::size_t i, std::size_t j, std::size_t o) {
    sum[o] += double{get(x, i, xd->type)} * get(w, j, wd->type);
  });
  for (std::size_t o = 0; o < sum.size(); ++o) {
    const double v = sum[o] + (bias != nullptr ? get(bias, o % yd->c, yd->type) : 0);
    put(y, o, yd->type, relu && v < 0 ? 0 : v);
  }
  return CUDNN_STATUS_SUCCESS;
}

bool plain(const void* alpha, const void* beta, const void* work, std::size_t bytes) {
  return *static_cast<const float*>(alpha) == 1 && *static_cast<const float*>(beta) == 0 &&
         work != nullptr && bytes == kWorkspace;
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}
const char* cudnnGetErrorString(cudnnStatus_t) {
  return "an error of the stand-in";
}

#define FAKE_DESCRIPTOR(name)                                                    \
  cudnnStatus_t cudnnCreate##name##Descriptor(cudnn##name##Descriptor_t* made) { \
    *made = new std::remove_pointer_t<cudnn##name##Descriptor_t>;                \
    return CUDNN_STATUS_SUCCESS;                                                 \
  }                                                                              \
  cudnnStatus_t cudnnDestroy##name##Descriptor(cudnn##name##Descriptor_t made) { \
    delete made;                                                                 \
    return CUDNN_STATUS_SUCCESS;                                                 \
  }
FAKE_DESCRIPTOR(Tensor)
FAKE_DESCRIPTOR(Filter)
FAKE_DESCRIPTOR(Convolution)
FAKE_DESCRIPTOR(Activation)

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t t, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  *t = {type, n, c, h, w};
  return format == CUDNN_TENSOR_NHWC ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  *f = {type, k, c, h, w};
  return format == CUDNN_TENSOR_NHWC ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int pad_h, int pad_w,
                                              int u, int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
  *c = {pad_h, pad_w, u, v, dilation_h, dilation_w, CUDNN_DEFAULT_MATH};
  return mode == CUDNN_CROSS_CORRELATION && type == CUDNN_DATA_FLOAT ? CUDNN_STATUS_SUCCESS
                                                                     : CUDNN_STATUS_BAD_PARAM;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c, cudnnMathType_t math) {
  c->math = math;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t a,
                                           cudnnActivationMode_t mode, cudnnNanPropagation_t nan,
                                           double) {
  a->mode = mode;
  return nan == CUDNN_PROPAGATE_NAN ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

// The forward pass.

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t x,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t c,
                                                     const cudnnTensorDescriptor_t y,
                                                     const int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  if (!fits(x, w, c, y)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, most, count, CUDNN_CONVOLUTION_FWD_ALGO_GEMM,
               CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, c->math);
}
cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const void*,
    const cudnnFilterDescriptor_t w, const void*, const cudnnConvolutionDescriptor_t c,
    const cudnnTensorDescriptor_t y, void* out, const int most, int* count,
    cudnnConvolutionFwdAlgoPerf_t* found, void* work, std::size_t bytes) {
  if (told("no-measuring") || work == nullptr || bytes < kWorkspace) {
    return CUDNN_STATUS_EXECUTION_FAILED;
  }
  for (std::size_t i = 0; i < size(y); ++i) put(out, i, y->type, 12345);  // as measuring does
  return cudnnGetConvolutionForwardAlgorithm_v7(handle, x, w, c, y, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, const cudnnTensorDescriptor_t,
                                                      const cudnnFilterDescriptor_t,
                                                      const cudnnConvolutionDescriptor_t,
                                                      const cudnnTensorDescriptor_t,
                                                      cudnnConvolutionFwdAlgo_t,
                                                      std::size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t, const void* alpha,
                                      const cudnnTensorDescriptor_t xd, const void* x,
                                      const cudnnFilterDescriptor_t wd, const void* w,
                                      const cudnnConvolutionDescriptor_t c,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* work,
                                      std::size_t bytes, const void* beta,
                                      const cudnnTensorDescriptor_t yd, void* y) {
  if (!plain(alpha, beta, work, bytes)) return CUDNN_STATUS_BAD_PARAM;
  if (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) {
    return CUDNN_STATUS_NOT_SUPPORTED;
  }
  return run_forward(xd, x, wd, w, c, yd, y, nullptr, false);
}
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t, const void* alpha, const cudnnTensorDescriptor_t xd, const void* x,
    const cudnnFilterDescriptor_t wd, const void* w, const cudnnConvolutionDescriptor_t c,
    cudnnConvolutionFwdAlgo_t, void* work, std::size_t bytes, const void* beta,
    const cudnnTensorDescriptor_t, const void*, const cudnnTensorDescriptor_t bd, const void* bias,
    const cudnnActivationDescriptor_t activation, const cudnnTensorDescriptor_t yd, void* y) {
  if (told("no-fusion")) return CUDNN_STATUS_NOT_SUPPORTED;
  if (!plain(alpha, beta, work, bytes) || bd->c != yd->c || bd->type != yd->type) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  return run_forward(xd, x, wd, w, c, yd, y, bias, activation->mode == CUDNN_ACTIVATION_RELU);
}

// The data gradient.

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t c, const cudnnTensorDescriptor_t dx, const int most,
    int* count, cudnnConvolutionBwdDataAlgoPerf_t* found) {
  if (!fits(dx, w, c, dy)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, most, count, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0,
               CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, c->math);
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const void*,
    const cudnnTensorDescriptor_t dy, const void*, const cudnnConvolutionDescriptor_t c,
    const cudnnTensorDescriptor_t dx, void*, const int most, int* count,
    cudnnConvolutionBwdDataAlgoPerf_t* found, void* work, std::size_t bytes) {
  if (told("no-measuring") || work == nullptr || bytes < kWorkspace) {
    return CUDNN_STATUS_EXECUTION_FAILED;
  }
  return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, w, dy, c, dx, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t, const cudnnFilterDescriptor_t, const cudnnTensorDescriptor_t,
    const cudnnConvolutionDescriptor_t, const cudnnTensorDescriptor_t,
    cudnnConvolutionBwdDataAlgo_t, std::size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t, const void* alpha,
                                           const cudnnFilterDescriptor_t wd, const void* w,
                                           const cudnnTensorDescriptor_t dyd, const void* dy,
                                           const cudnnConvolutionDescriptor_t c,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* work,
                                           std::size_t bytes, const void* beta,
                                           const cudnnTensorDescriptor_t dxd, void* dx) {
  if (!fits(dxd, wd, c, dyd) || !plain(alpha, beta, work, bytes)) return CUDNN_STATUS_BAD_PARAM;
  if (algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_1) return CUDNN_STATUS_NOT_SUPPORTED;
  std::vector<double> sum(size(dxd));
  for_each_product(dxd, wd, c, dyd, [&](std::size_t i, std::size_t j, std::size_t o) {
    sum[i] += double{get(dy, o, dyd->type)} * get(w, j, wd->type);
  });
  for (std::size_t i = 0; i < sum.size(); ++i) put(dx, i, dxd->type, sum[i]);
  return CUDNN_STATUS_SUCCESS;
}

// The weight gradient.

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t c, const cudnnFilterDescriptor_t dw, const int most,
    int* count, cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  if (!fits(x, dw, c, dy)) return CUDNN_STATUS_BAD_PARAM;
  return offer(found, most, count, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0,
               CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, c->math);
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const void*,
    const cudnnTensorDescriptor_t dy, const void*, const cudnnConvolutionDescriptor_t c,
    const cudnnFilterDescriptor_t dw, void*, const int most, int* count,
    cudnnConvolutionBwdFilterAlgoPerf_t* found, void* work, std::size_t bytes) {
  if (told("no-measuring") || work == nullptr || bytes < kWorkspace) {
    return CUDNN_STATUS_EXECUTION_FAILED;
  }
  return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, x, dy, c, dw, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t, const cudnnTensorDescriptor_t, const cudnnTensorDescriptor_t,
    const cudnnConvolutionDescriptor_t, const cudnnFilterDescriptor_t,
    cudnnConvolutionBwdFilterAlgo_t, std::size_t* bytes) {
  *bytes = kWorkspace;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t, const void* alpha,
                                             const cudnnTensorDescriptor_t xd, const void* x,
                                             const cudnnTensorDescriptor_t dyd, const void* dy,
                                             const cudnnConvolutionDescriptor_t c,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* work,
                                             std::size_t bytes, const void* beta,
                                             const cudnnFilterDescriptor_t dwd, void* dw) {
  if (!fits(xd, dwd, c, dyd) || !plain(alpha, beta, work, bytes)) return CUDNN_STATUS_BAD_PARAM;
  if (algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1) return CUDNN_STATUS_NOT_SUPPORTED;
  std::vector<double> sum(std::size_t(dwd->k) * dwd->h * dwd->w * dwd->c);
  for_each_product(xd, dwd, c, dyd, [&](std::size_t i, std::size_t j, std::size_t o) {
    sum[j] += double{get(dy, o, dyd->type)} * get(x, i, xd->type);
  });
  for (std::size_t j = 0; j < sum.size(); ++j) put(dw, j, dwd->type, sum[j]);
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
