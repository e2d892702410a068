// Losses: shapes checked, value and gradient taken from one call.
#include "layers/loss.h"

#include <stdexcept>
#include <string>

#include "kernels/pixel_loss.h"
#include "kernels/twins.h"
#include "layers/cast.h"
#include "layers/fused_loss.h"

namespace tinct {
namespace {

std::string shape_or_none(const Tensor& t) {
  return t.defined() ? to_string(t.shape()) : "none";
}

const float* f32_or_null(const Tensor& t) {
  return t.defined() ? t.f32() : nullptr;
}

float* f32_or_null(Tensor& t) {
  return t.defined() ? t.f32() : nullptr;
}

Value pixel_loss(const char* name, Penalty penalty, float delta, const Value& output,
                 const Tensor& target, const Tensor& pixel_weight) {
  const Value prediction = cast(output, DType::f32);
  const Shape s = prediction.shape();
  const Shape weights = {s.n, s.h, s.w, 1};
  if (s.size() == 0 || !target.defined() || target.shape() != s ||
      (pixel_weight.defined() && pixel_weight.shape() != weights)) {
    throw std::invalid_argument(std::string(name) + ": prediction " + to_string(s) + ", target " +
                                shape_or_none(target) + ", pixel weights " +
                                shape_or_none(pixel_weight));
  }
  const Device device = common_device(name, {&prediction.data(), &target, &pixel_weight});
  Tensor gradient = needs_grad({&prediction}) ? Tensor(s, device) : Tensor();
  const PixelLoss loss{penalty, s.pixels(), s.c, delta};
  const double value = TINCT_ON(device, pixel_loss, loss, prediction.data().f32(), target.f32(),
                                f32_or_null(pixel_weight), f32_or_null(gradient));
  return fused_loss(value, prediction, std::move(gradient));
}

Value softmax_loss(const Value& output, const Tensor& index, const Tensor& target,
                   const Tensor& class_weight, SoftmaxShape shape) {
  const Value logits = cast(output, DType::f32);
  const Shape s = logits.shape();
  if (class_weight.defined() && class_weight.shape() != Shape{1, 1, 1, s.c}) {
    throw std::invalid_argument("softmax_cross_entropy: class weights " +
                                to_string(class_weight.shape()) + " for logits " + to_string(s));
  }
  const Device device =
      common_device("softmax_cross_entropy", {&logits.data(), &index, &target, &class_weight});
  Tensor gradient = needs_grad({&logits}) ? Tensor(s, device) : Tensor();
  const double value =
      TINCT_ON(device, softmax_cross_entropy, shape, logits.data().f32(), f32_or_null(index),
               target.f32(), f32_or_null(class_weight), f32_or_null(gradient));
  return fused_loss(value, logits, std::move(gradient));
}

}  // namespace

Value l1_loss(const Value& prediction, const Tensor& target, const Tensor& pixel_weight) {
  return pixel_loss("l1_loss", Penalty::l1, 1, prediction, target, pixel_weight);
}

Value l2_loss(const Value& prediction, const Tensor& target, const Tensor& pixel_weight) {
  return pixel_loss("l2_loss", Penalty::l2, 1, prediction, target, pixel_weight);
}

Value huber_loss(const Value& prediction, const Tensor& target, float delta,
                 const Tensor& pixel_weight) {
  if (!(delta > 0)) {
    throw std::invalid_argument("huber_loss: delta " + std::to_string(delta) + " is not positive");
  }
  return pixel_loss("huber_loss", Penalty::huber, delta, prediction, target, pixel_weight);
}

Value bce_with_logits(const Value& prediction, const Tensor& target, const Tensor& pixel_weight) {
  return pixel_loss("bce_with_logits", Penalty::bce_with_logits, 1, prediction, target,
                    pixel_weight);
}

Value softmax_cross_entropy(const Value& logits, const Tensor& target, const Tensor& class_weight,
                            ClassWeighting weighting) {
  const Shape s = logits.shape();
  if (s.size() == 0 || !target.defined() || target.shape() != s) {
    throw std::invalid_argument("softmax_cross_entropy: logits " + to_string(s) + ", target " +
                                shape_or_none(target));
  }
  return softmax_loss(logits, {}, target, class_weight, {s.pixels(), s.c, 0, weighting});
}

Value softmax_cross_entropy(const Value& logits, const SparseTarget& target,
                            const Tensor& class_weight, ClassWeighting weighting) {
  const Shape s = logits.shape();
  const Shape pairs = {s.n, s.h, s.w, target.index.shape().c};
  if (s.size() == 0 || !target.index.defined() || !target.weight.defined() || pairs.c == 0 ||
      target.index.shape() != pairs || target.weight.shape() != pairs) {
    throw std::invalid_argument("softmax_cross_entropy: logits " + to_string(s) + ", indices " +
                                shape_or_none(target.index) + ", weights " +
                                shape_or_none(target.weight));
  }
  const float* index = target.index.f32();
  const bool readable = target.index.device() == Device::cpu;
  for (std::size_t i = 0; readable && i < pairs.size(); ++i) {
    if (!(index[i] >= 0 && index[i] < static_cast<float>(s.c))) {
      throw std::invalid_argument("softmax_cross_entropy: index " + std::to_string(index[i]) +
                                  " for " + std::to_string(s.c) + " bins");
    }
  }
  return softmax_loss(logits, target.index, target.weight, class_weight,
                      {s.pixels(), s.c, pairs.c, weighting});
}

}  // namespace tinct
