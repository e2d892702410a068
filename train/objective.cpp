// The losses by name, and their targets in the units of the network's head.
#include "train/objective.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/ab_bins.h"
#include "kernels/twins.h"
#include "layers/average_pool.h"
#include "layers/blurred_euclidean.h"
#include "layers/dahl_loss.h"
#include "layers/stack.h"
#include "train/chroma.h"

namespace tinct {
namespace {

// A target once for each member of the model: its output holds theirs one after another.
Tensor repeated(const Tensor& target, std::size_t n) {
  if (!target.defined() || target.shape().n == n) return target;
  return stack(std::vector<Value>(n / target.shape().n, Value(target))).data();
}

}  // namespace

Objective::Objective(const TrainConfig::Loss& options, const ModelInfo& info, Tensor class_weights)
    : options_(options), info_(info), class_weights_(std::move(class_weights)) {
  const bool binned = info.head == Head::binned;
  const bool ycbcr = !binned && info.space == ChromaSpace::ycbcr;
  if (options_.name == "auto") {
    options_.name = binned                        ? "softmax_cross_entropy"
                    : !ycbcr                      ? "l2"
                    : info.grey == Grey::rgb_mean ? "dahl"
                                                  : "blurred";
  }
  if ((options_.name == "softmax_cross_entropy") != binned) {
    throw std::invalid_argument("loss.name = \"" + options_.name + "\" does not suit preset " +
                                info.preset + ", whose head " +
                                (binned ? "predicts bins: it needs softmax_cross_entropy"
                                        : "predicts a colour: it needs l2, l1, huber, blurred"
                                          " or dahl"));
  }
  if (options_.name == "dahl" && !ycbcr) {
    throw std::invalid_argument("loss.name = \"dahl\" does not suit preset " + info.preset +
                                ", which does not predict Cb and Cr");
  }
}

LossTarget Objective::target(const Batch& batch, std::size_t h, std::size_t w) const {
  LossTarget target;
  if (options_.name == "dahl") {
    target.luma = luma_of(info_, batch);
    target.rgb = rgb_of(batch);
  } else if (options_.name == "softmax_cross_entropy") {
    const Tensor ab = shrink_ab(batch.ab, h, w);
    const auto k = static_cast<std::size_t>(options_.neighbours);
    const Shape s = {ab.shape().n, h, w, k};
    const Device device = ab.device();
    const Tensor table = info_.bins.to(device);
    target.bins = {Tensor(s, device), Tensor(s, device)};
    TINCT_ON(device, soft_encode, table.shape().w, table.f32(), s.pixels(), ab.f32(), k,
             options_.sigma, target.bins.index.f32(), target.bins.weight.f32());
  } else {
    target.colour = shrink_ab(chroma_target(info_, batch), h, w);
  }
  return target;
}

Value Objective::operator()(const Value& output, const LossTarget& once) const {
  const LossTarget target =
      once.map([&](const Tensor& t) { return repeated(t, output.shape().n); });
  if (options_.name == "dahl") return dahl_loss(output, target.luma, target.rgb);
  if (options_.name == "softmax_cross_entropy") {
    return softmax_cross_entropy(output, target.bins, class_weights_, ClassWeighting::top_bin);
  }
  if (options_.name == "l1") return l1_loss(output, target.colour);
  if (options_.name == "huber") {
    return huber_loss(output, target.colour, static_cast<float>(options_.delta));
  }
  if (options_.name == "blurred") return blurred_euclidean(output, target.colour);
  return l2_loss(output, target.colour);
}

Value Objective::operator()(const Value& output, const Batch& batch) const {
  const LossTarget host = target(batch, output.shape().h, output.shape().w);
  return (*this)(output, host.map([&](const Tensor& t) { return t.to(output.device()); }));
}

Tensor shrink_ab(const Tensor& ab, std::size_t oh, std::size_t ow) {
  const Shape s = ab.shape();
  if (s.h == oh && s.w == ow) return ab;
  if (oh == 0 || s.h % oh != 0 || s.w % ow != 0 || s.h / oh != s.w / ow) {
    throw std::invalid_argument("shrink_ab: " + to_string(s) + " does not shrink to " +
                                std::to_string(oh) + "x" + std::to_string(ow));
  }
  const std::size_t factor = s.h / oh;
  PoolWindow window;
  window.kh = window.kw = window.stride_h = window.stride_w = factor;
  const NoGrad no_grad;
  return average_pool(Value(ab), window).data();
}

}  // namespace tinct
