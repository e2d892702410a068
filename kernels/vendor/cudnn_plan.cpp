// One convolution by cuDNN 9: described, its algorithm measured, run.
#include "kernels/vendor/cudnn_plan.h"

#include <cudnn.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "core/simt/device.h"
#include "kernels/vendor/cudnn.h"
#include "kernels/vendor/library.h"

namespace tinct::vendor {
namespace {

// Its functions, by name.
struct Cudnn {
  Library library{"libcudnn.so.9", {"libcublasLt.so.13", "libcublas.so.13", "libnvrtc.so.13"}};
#define TINCT_CUDNN(name) \
  decltype(&::cudnn##name) name = library.function<decltype(&::cudnn##name)>("cudnn" #name)
  TINCT_CUDNN(Create);
  TINCT_CUDNN(Destroy);
  TINCT_CUDNN(GetErrorString);
  TINCT_CUDNN(CreateTensorDescriptor);
  TINCT_CUDNN(DestroyTensorDescriptor);
  TINCT_CUDNN(SetTensor4dDescriptor);
  TINCT_CUDNN(CreateFilterDescriptor);
  TINCT_CUDNN(DestroyFilterDescriptor);
  TINCT_CUDNN(SetFilter4dDescriptor);
  TINCT_CUDNN(CreateConvolutionDescriptor);
  TINCT_CUDNN(DestroyConvolutionDescriptor);
  TINCT_CUDNN(SetConvolution2dDescriptor);
  TINCT_CUDNN(SetConvolutionMathType);
  TINCT_CUDNN(CreateActivationDescriptor);
  TINCT_CUDNN(DestroyActivationDescriptor);
  TINCT_CUDNN(SetActivationDescriptor);
  TINCT_CUDNN(GetConvolutionForwardAlgorithm_v7);
  TINCT_CUDNN(FindConvolutionForwardAlgorithmEx);
  TINCT_CUDNN(GetConvolutionForwardWorkspaceSize);
  TINCT_CUDNN(ConvolutionForward);
  TINCT_CUDNN(ConvolutionBiasActivationForward);
  TINCT_CUDNN(GetConvolutionBackwardDataAlgorithm_v7);
  TINCT_CUDNN(FindConvolutionBackwardDataAlgorithmEx);
  TINCT_CUDNN(GetConvolutionBackwardDataWorkspaceSize);
  TINCT_CUDNN(ConvolutionBackwardData);
  TINCT_CUDNN(GetConvolutionBackwardFilterAlgorithm_v7);
  TINCT_CUDNN(FindConvolutionBackwardFilterAlgorithmEx);
  TINCT_CUDNN(GetConvolutionBackwardFilterWorkspaceSize);
  TINCT_CUDNN(ConvolutionBackwardFilter);
#undef TINCT_CUDNN
};

const Cudnn& cudnn() {
  static const Cudnn functions;
  return functions;
}

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw DeviceError(std::string("cuDNN: ") + call + ": " + cudnn().GetErrorString(status));
}

// One a thread, for as long as it lives.
cudnnHandle_t handle() {
  struct Handle {
    cudnnHandle_t value = nullptr;
    Handle() { check(cudnn().Create(&value), "cudnnCreate"); }
    ~Handle() { cudnn().Destroy(value); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
  };
  static thread_local const Handle handle;
  return handle.value;
}

// One of cuDNN's descriptions, made and destroyed by these two.
template <class T, auto kCreate, auto kDestroy>
class Description {
 public:
  Description() { check((cudnn().*kCreate)(&value_), "creating a descriptor"); }
  ~Description() { (cudnn().*kDestroy)(value_); }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;
  operator T() const { return value_; }

 private:
  T value_ = nullptr;
};
using TensorDescription = Description<cudnnTensorDescriptor_t, &Cudnn::CreateTensorDescriptor,
                                      &Cudnn::DestroyTensorDescriptor>;
using FilterDescription = Description<cudnnFilterDescriptor_t, &Cudnn::CreateFilterDescriptor,
                                      &Cudnn::DestroyFilterDescriptor>;
using ConvolutionDescription =
    Description<cudnnConvolutionDescriptor_t, &Cudnn::CreateConvolutionDescriptor,
                &Cudnn::DestroyConvolutionDescriptor>;
using ActivationDescription =
    Description<cudnnActivationDescriptor_t, &Cudnn::CreateActivationDescriptor,
                &Cudnn::DestroyActivationDescriptor>;

// FMA_MATH forbids tensor cores, DEFAULT_MATH lets them round f32 to tf32.
cudnnMathType_t math_type(CudnnMath math) {
  if (math == CudnnMath::bf16) return CUDNN_TENSOR_OP_MATH;
  return math == CudnnMath::f32 ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
}

int extent(std::size_t v) {
  return static_cast<int>(v);
}

// A convolution described to cuDNN, in tinct's layouts.
struct Problem {
  Problem(const Conv2dShape& s, CudnnMath stored) : math(math_type(stored)) {
    const cudnnDataType_t type = stored == CudnnMath::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const auto describe = [type](const TensorDescription& t, std::size_t n, std::size_t h,
                                 std::size_t w, std::size_t c) {
      check(cudnn().SetTensor4dDescriptor(t, CUDNN_TENSOR_NHWC, type, extent(n), extent(c),
                                          extent(h), extent(w)),
            "cudnnSetTensor4dDescriptor");
    };
    describe(x, s.n, s.h, s.w, s.c);
    describe(y, s.n, s.oh(), s.ow(), s.k);
    describe(bias, 1, 1, 1, s.k);
    check(cudnn().SetFilter4dDescriptor(w, type, CUDNN_TENSOR_NHWC, extent(s.k), extent(s.c),
                                        extent(s.kh), extent(s.kw)),
          "cudnnSetFilter4dDescriptor");
    check(cudnn().SetConvolution2dDescriptor(convolution, extent(s.pad_top), extent(s.pad_left),
                                             extent(s.stride_h), extent(s.stride_w),
                                             extent(s.dilation_h), extent(s.dilation_w),
                                             CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
          "cudnnSetConvolution2dDescriptor");
    check(cudnn().SetConvolutionMathType(convolution, math), "cudnnSetConvolutionMathType");
  }

  cudnnMathType_t math;
  TensorDescription x, y, bias;
  FilterDescription w;
  ConvolutionDescription convolution;
};

// What the fused call applies last.
cudnnActivationDescriptor_t activation(bool relu) {
  struct Kind {
    explicit Kind(cudnnActivationMode_t mode) {
      check(cudnn().SetActivationDescriptor(description, mode, CUDNN_PROPAGATE_NAN, 0),
            "cudnnSetActivationDescriptor");
    }
    ActivationDescription description;
  };
  static thread_local const Kind identity(CUDNN_ACTIVATION_IDENTITY), ramp(CUDNN_ACTIVATION_RELU);
  return relu ? ramp.description : identity.description;
}

// What the three passes call: `guess` asks for algorithms, `measure` times them on the arrays,
// writing over the result. a and b are what the pass reads, in the order of the contract.
struct Forward {
  using Found = cudnnConvolutionFwdAlgoPerf_t;
  using Algorithm = cudnnConvolutionFwdAlgo_t;
  static cudnnStatus_t guess(const Problem& p, int most, int* count, Found* found) {
    return cudnn().GetConvolutionForwardAlgorithm_v7(handle(), p.x, p.w, p.convolution, p.y, most,
                                                     count, found);
  }
  static cudnnStatus_t measure(const Problem& p, const void* x, const void* w, void* y, int most,
                               int* count, Found* found, void* work, std::size_t bytes) {
    return cudnn().FindConvolutionForwardAlgorithmEx(handle(), p.x, x, p.w, w, p.convolution, p.y,
                                                     y, most, count, found, work, bytes);
  }
  static cudnnStatus_t workspace(const Problem& p, Algorithm algorithm, std::size_t* bytes) {
    return cudnn().GetConvolutionForwardWorkspaceSize(handle(), p.x, p.w, p.convolution, p.y,
                                                      algorithm, bytes);
  }
  static cudnnStatus_t run(const Problem& p, const void* x, const void* w, void* y,
                           Algorithm algorithm, void* work, std::size_t bytes) {
    const float one = 1, zero = 0;
    return cudnn().ConvolutionForward(handle(), &one, p.x, x, p.w, w, p.convolution, algorithm,
                                      work, bytes, &zero, p.y, y);
  }
  static cudnnStatus_t run_fused(const Problem& p, const void* x, const void* w, const void* bias,
                                 bool relu, void* y, Algorithm algorithm, void* work,
                                 std::size_t bytes) {
    const float one = 1, zero = 0;
    return cudnn().ConvolutionBiasActivationForward(handle(), &one, p.x, x, p.w, w, p.convolution,
                                                    algorithm, work, bytes, &zero, p.y, y, p.bias,
                                                    bias, activation(relu), p.y, y);
  }
};

struct BackwardData {
  using Found = cudnnConvolutionBwdDataAlgoPerf_t;
  using Algorithm = cudnnConvolutionBwdDataAlgo_t;
  static cudnnStatus_t guess(const Problem& p, int most, int* count, Found* found) {
    return cudnn().GetConvolutionBackwardDataAlgorithm_v7(handle(), p.w, p.y, p.convolution, p.x,
                                                          most, count, found);
  }
  static cudnnStatus_t measure(const Problem& p, const void* dy, const void* w, void* dx, int most,
                               int* count, Found* found, void* work, std::size_t bytes) {
    return cudnn().FindConvolutionBackwardDataAlgorithmEx(handle(), p.w, w, p.y, dy, p.convolution,
                                                          p.x, dx, most, count, found, work, bytes);
  }
  static cudnnStatus_t workspace(const Problem& p, Algorithm algorithm, std::size_t* bytes) {
    return cudnn().GetConvolutionBackwardDataWorkspaceSize(handle(), p.w, p.y, p.convolution, p.x,
                                                           algorithm, bytes);
  }
  static cudnnStatus_t run(const Problem& p, const void* dy, const void* w, void* dx,
                           Algorithm algorithm, void* work, std::size_t bytes) {
    const float one = 1, zero = 0;
    return cudnn().ConvolutionBackwardData(handle(), &one, p.w, w, p.y, dy, p.convolution,
                                           algorithm, work, bytes, &zero, p.x, dx);
  }
};

struct BackwardWeights {
  using Found = cudnnConvolutionBwdFilterAlgoPerf_t;
  using Algorithm = cudnnConvolutionBwdFilterAlgo_t;
  static cudnnStatus_t guess(const Problem& p, int most, int* count, Found* found) {
    return cudnn().GetConvolutionBackwardFilterAlgorithm_v7(handle(), p.x, p.y, p.convolution, p.w,
                                                            most, count, found);
  }
  static cudnnStatus_t measure(const Problem& p, const void* x, const void* dy, void* dw, int most,
                               int* count, Found* found, void* work, std::size_t bytes) {
    return cudnn().FindConvolutionBackwardFilterAlgorithmEx(
        handle(), p.x, x, p.y, dy, p.convolution, p.w, dw, most, count, found, work, bytes);
  }
  static cudnnStatus_t workspace(const Problem& p, Algorithm algorithm, std::size_t* bytes) {
    return cudnn().GetConvolutionBackwardFilterWorkspaceSize(handle(), p.x, p.y, p.convolution, p.w,
                                                             algorithm, bytes);
  }
  static cudnnStatus_t run(const Problem& p, const void* x, const void* dy, void* dw,
                           Algorithm algorithm, void* work, std::size_t bytes) {
    const float one = 1, zero = 0;
    return cudnn().ConvolutionBackwardFilter(handle(), &one, p.x, x, p.y, dy, p.convolution,
                                             algorithm, work, bytes, &zero, p.w, dw);
  }
};

constexpr std::size_t kMostWorkspace = std::size_t{1} << 30;

// The plan of a pass.
template <class Pass>
class PlanOf final : public CudnnPlan {
 public:
  PlanOf(const Conv2dShape& s, CudnnMath math) : problem_(s, math) {
    offered_ = usable([this](auto... out) { return Pass::guess(problem_, kMost, out...); });
  }

  bool possible() const override { return !offered_.empty(); }

  void run(const void* a, const void* b, void* out) override {
    choose(a, b, out);
    for (;;) {
      device::Array<char> work(bytes_);
      const cudnnStatus_t status =
          Pass::run(problem_, a, b, out, order_.front().algo, work.data(), bytes_);
      if (status == CUDNN_STATUS_SUCCESS) return;
      if (!drop_first()) check(status, "convolution");
    }
  }

  bool run_fused(const void* x, const void* w, const void* bias, bool relu, void* y) override {
    if constexpr (std::is_same_v<Pass, Forward>) {
      if (refused_[relu]) return false;
      choose(x, w, y);
      device::Array<char> work(bytes_);
      refused_[relu] = Pass::run_fused(problem_, x, w, bias, relu, y, order_.front().algo,
                                       work.data(), bytes_) != CUDNN_STATUS_SUCCESS;
      return !refused_[relu];
    }
    return false;
  }

 private:
  using Found = typename Pass::Found;
  static constexpr int kMost = 16;

  // What ask(count, found) finds, the best first, without what fails or differs from run to run.
  template <class Ask>
  static std::vector<Found> usable(Ask&& ask) {
    std::array<Found, kMost> found{};
    int count = 0;
    if (ask(&count, found.data()) != CUDNN_STATUS_SUCCESS) return {};
    std::vector<Found> good;
    std::copy_if(found.begin(), found.begin() + count, std::back_inserter(good),
                 [](const Found& f) {
                   return f.status == CUDNN_STATUS_SUCCESS &&
                          f.determinism == CUDNN_DETERMINISTIC && f.memory <= kMostWorkspace;
                 });
    return good;
  }

  // The measured best first, or, where measuring fails, cuDNN's guess. The description's math type
  // holds for whatever is chosen.
  void choose(const void* a, const void* b, void* out) {
    if (!order_.empty()) return;
    if (offered_.empty()) throw DeviceError("cuDNN has no algorithm for this convolution");
    std::size_t most = 0;
    for (const Found& f : offered_) most = std::max(most, f.memory);
    {
      device::Array<char> work(most);
      order_ = usable([&](auto... found) {
        return Pass::measure(problem_, a, b, out, kMost, found..., work.data(), most);
      });
    }
    if (order_.empty()) order_ = offered_;
    // Measuring tries other math types too.
    std::stable_partition(order_.begin(), order_.end(),
                          [this](const Found& f) { return f.mathType == problem_.math; });
    if (Pass::workspace(problem_, order_.front().algo, &bytes_) != CUDNN_STATUS_SUCCESS &&
        !drop_first()) {
      order_.clear();
      throw DeviceError("cuDNN has no algorithm for this convolution");
    }
  }

  // Goes over to the next best; false where there is none.
  bool drop_first() {
    if (order_.size() < 2) return false;
    order_.erase(order_.begin());
    return Pass::workspace(problem_, order_.front().algo, &bytes_) == CUDNN_STATUS_SUCCESS ||
           drop_first();
  }

  Problem problem_;
  std::vector<Found> offered_;
  std::vector<Found> order_;  // those left to be tried, the best first; empty before the first run
  std::size_t bytes_ = 0;
  std::array<bool, 2> refused_{};  // the fused call, without and with ReLU
};

}  // namespace

const std::string& cudnn_problem() {
  return cudnn().library.problem();
}

std::unique_ptr<CudnnPlan> make_cudnn_plan(Conv2dPass pass, const Conv2dShape& s, CudnnMath math) {
  if (!cudnn_problem().empty()) throw DeviceError("cuDNN: " + cudnn_problem());
  switch (pass) {
    case Conv2dPass::forward:
      return std::make_unique<PlanOf<Forward>>(s, math);
    case Conv2dPass::backward_data:
      return std::make_unique<PlanOf<BackwardData>>(s, math);
    case Conv2dPass::backward_weights:
      break;
  }
  return std::make_unique<PlanOf<BackwardWeights>>(s, math);
}

}  // namespace tinct::vendor
