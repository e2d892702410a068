// The table of operations: losses and colour conversions.
#include <stdexcept>

#include "kernels/colour.h"
#include "kernels/twins.h"
#include "layers/blurred_euclidean.h"
#include "layers/loss.h"
#include "tools/op_table.h"

namespace tinct {
namespace {

using Kind = SettingKind;
using op_table::border;
using op_table::normalised;
using op_table::x;

const OpTensor target{"target", "as x", false, false, "t"};
const OpTensor pixel_weight{"pixel_weight", "(n,h,w,1)", true, false};

Value run_blurred_euclidean(OpCall& call) {
  return blurred_euclidean(
      call.value("x"), call.tensor("target"),
      {call.set.counts("kernels"), call.set.number("sigma"), call.set.flag("normalised"),
       static_cast<Border>(call.set.choice("border")), call.set.flag("squared")});
}

Value run_cross_entropy(OpCall& call) {
  const auto weighting = static_cast<ClassWeighting>(call.set.choice("weighting"));
  const Tensor index = call.tensor("index");
  if (index.defined()) {
    return softmax_cross_entropy(call.value("x"), SparseTarget{index, call.tensor("target")},
                                 call.tensor("class_weight"), weighting);
  }
  return softmax_cross_entropy(call.value("x"), call.tensor("target"), call.tensor("class_weight"),
                               weighting);
}

using Loss = Value (*)(const Value&, const Tensor&, const Tensor&);

Operation loss(const char* name, const char* summary, Loss function) {
  return {name, summary, {x, target, pixel_weight}, {}, [function](OpCall& call) {
            return function(call.value("x"), call.tensor("target"), call.tensor("pixel_weight"));
          }};
}

using Conversion = void (*)(Device, std::size_t, const float*, float*);

// One of tinct::cpu and tinct::gpu, as a Conversion.
#define TINCT_CONVERSION(operation)                            \
  [](Device device, std::size_t n, const float* x, float* y) { \
    TINCT_ON(device, operation, n, x, y);                      \
  }

Operation conversion(const char* name, const char* summary, Conversion function) {
  Operation operation{name, summary, {{"x", "(n,h,w,3)", false, false}}, {}, {}};
  operation.differentiable = false;
  operation.run = [function, name](OpCall& call) {
    const Tensor input = call.tensor("x");
    if (input.shape().c != 3) {
      throw std::invalid_argument(std::string(name) + ": x " + to_string(input.shape()) +
                                  " has not three channels");
    }
    Tensor y(input.shape(), input.device());
    function(input.device(), input.shape().pixels(), input.f32(), y.f32());
    return Value(y);
  };
  return operation;
}

}  // namespace

void add_loss_operations(std::vector<Operation>& table) {
  table.push_back(loss("l1_loss", "The mean of |x - target|", l1_loss));
  table.push_back(loss("l2_loss", "The mean of (x - target)^2", l2_loss));
  table.push_back({"huber_loss",
                   "The mean of u^2/2 up to |u| = delta, linear beyond",
                   {x, target, pixel_weight},
                   {{"delta", Kind::number, "1", "above 0"}},
                   [](OpCall& c) {
                     return huber_loss(c.value("x"), c.tensor("target"),
                                       static_cast<float>(c.set.number("delta")),
                                       c.tensor("pixel_weight"));
                   }});
  table.push_back(loss("bce_with_logits", "Binary cross-entropy; x are logits", bce_with_logits));
  table.push_back({"softmax_cross_entropy",
                   "The mean over pixels of -sum target log softmax(x); with index, target holds "
                   "the weights of those bins",
                   {x,
                    {"target", "as x, or (n,h,w,k)", false, false, "t"},
                    {"index", "(n,h,w,k)", true, false},
                    {"class_weight", "(c)", true, false}},
                   {{"weighting",
                     Kind::choice,
                     "each-bin",
                     "what class_weight multiplies",
                     {"each-bin", "top-bin"}}},
                   run_cross_entropy});
  table.push_back({"blurred_euclidean",
                   "The mean squared difference, sharp and blurred",
                   {x, target},
                   {{"kernels", Kind::counts, "3,5", "taps a side of each blur, odd"},
                    {"sigma", Kind::number, "1.2739827004320285", "pixels; default: Dahl's"},
                    normalised,
                    border,
                    {"squared", Kind::flag, "true", "false: the mean of |d|"}},
                   run_blurred_euclidean});
}

void add_colour_operations(std::vector<Operation>& table) {
  table.push_back(conversion("srgb_to_lab", "sRGB 0..1 to CIELAB", TINCT_CONVERSION(srgb_to_lab)));
  table.push_back(conversion("lab_to_srgb", "CIELAB to sRGB 0..1", TINCT_CONVERSION(lab_to_srgb)));
  table.push_back(conversion("srgb_to_luv", "sRGB 0..1 to CIELUV", TINCT_CONVERSION(srgb_to_luv)));
  table.push_back(conversion("luv_to_srgb", "CIELUV to sRGB 0..1", TINCT_CONVERSION(luv_to_srgb)));
  table.push_back(
      conversion("srgb_to_yuv", "sRGB 0..1 to BT.601 YUV", TINCT_CONVERSION(srgb_to_yuv)));
  table.push_back(
      conversion("yuv_to_srgb", "BT.601 YUV to sRGB 0..1", TINCT_CONVERSION(yuv_to_srgb)));
  table.push_back(
      conversion("srgb_to_ycbcr", "sRGB 0..1 to JPEG YCbCr", TINCT_CONVERSION(srgb_to_ycbcr)));
  table.push_back(
      conversion("ycbcr_to_srgb", "JPEG YCbCr to sRGB 0..1", TINCT_CONVERSION(ycbcr_to_srgb)));
}

}  // namespace tinct
