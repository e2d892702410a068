// Optimizers over a model's parameters: settings, flat state, one pass a step.
#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "kernels/twins.h"

namespace tinct {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument("Optimizer: " + what);
}

void check(const OptimizerOptions& o) {
  require(o.name == "sgd" || o.name == "adam" || o.name == "adamw",
          "no optimizer '" + o.name + "'; there are sgd, adam and adamw");
  require(o.lr >= 0 && std::isfinite(o.lr), "lr must be finite and at least 0");
  require(o.momentum >= 0 && o.momentum < 1, "momentum must be in [0, 1)");
  require(!o.nesterov || o.momentum > 0, "nesterov needs momentum");
  require(o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1, "betas must be in [0, 1)");
  require(o.epsilon > 0, "epsilon must be above 0");
  require(o.weight_decay >= 0 && std::isfinite(o.weight_decay),
          "weight_decay must be finite and at least 0");
  for (const auto& [prefix, factor] : o.lr_factors) {
    require(factor >= 0 && std::isfinite(factor),
            "the lr factor of '" + prefix + "' must be finite and at least 0");
  }
}

// Weights of convolutions and fully connected layers have more than one row; biases, scales and
// shifts are vectors.
bool is_vector(const Shape& s) {
  return s.n * s.h * s.w == 1;
}

double lr_factor_of(const std::string& name, const std::map<std::string, double>& factors) {
  std::size_t longest = 0;
  double factor = 1;
  for (const auto& [prefix, f] : factors) {
    if (name.starts_with(prefix) && prefix.size() >= longest) {
      longest = prefix.size();
      factor = f;
    }
  }
  return factor;
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, const Parameters& parameters)
    : options_(options) {
  check(options);
  for (const Parameter& p : parameters) {
    if (p.buffer || !p.value.requires_grad()) continue;
    const bool decays = options.decay_everything || !is_vector(p.value.shape());
    entries_.push_back({p.name, p.value, size_, lr_factor_of(p.name, options.lr_factors),
                        decays ? options.weight_decay : 0.0});
    size_ += (p.value.data().size() + 3) / 4 * 4;  // every state begins at a whole vector
  }
  require(!entries_.empty(), "the model has no trainable parameter");
  for (const auto& named : options.lr_factors) {
    const std::string& prefix = named.first;
    require(std::any_of(entries_.begin(), entries_.end(),
                        [&](const Entry& e) { return e.name.starts_with(prefix); }),
            "no parameter's name begins with '" + prefix + "'");
  }
  const Shape flat{1, 1, 1, size_};
  if (options.name != "sgd" || options.momentum > 0) first_ = Tensor::zeros(flat, device());
  if (options.name != "sgd") second_ = Tensor::zeros(flat, device());
}

std::vector<StepPart> Optimizer::parts(double lr) const {
  std::vector<StepPart> parts;
  for (const Entry& e : entries_) {
    if (!e.value.has_grad()) continue;
    Value value = e.value;
    parts.push_back({value.mutable_data().f32(), value.grad().f32(), value.data().size(), e.offset,
                     static_cast<float>(lr * e.lr_factor), static_cast<float>(e.decay)});
  }
  return parts;
}

double Optimizer::gradient_norm(double scale) const {
  return std::sqrt(TINCT_ON(device(), squared_norm, parts(0))) * scale;
}

void Optimizer::step(double lr_factor, double grad_scale) {
  ++steps_;
  const std::vector<StepPart> all = parts(options_.lr * lr_factor);
  if (options_.name == "sgd") {
    SgdStep s;
    s.momentum = static_cast<float>(options_.momentum);
    s.nesterov = options_.nesterov;
    s.decoupled = options_.decoupled;
    s.grad_scale = static_cast<float>(grad_scale);
    TINCT_ON(device(), sgd_step, all, s, first_.defined() ? first_.f32() : nullptr);
    return;
  }
  AdamStep s;
  s.beta1 = options_.beta1;
  s.beta2 = options_.beta2;
  s.epsilon = options_.epsilon;
  s.placement = options_.epsilon_placement;
  s.decoupled = options_.decoupled || options_.name == "adamw";
  s.step = steps_;
  s.grad_scale = static_cast<float>(grad_scale);
  TINCT_ON(device(), adam_step, all, s, first_.f32(), second_.f32());
}

void Optimizer::clear_gradients() {
  for (Entry& e : entries_) e.value.clear_grad();
}

std::size_t Optimizer::bytes() const {
  return first_.bytes() + second_.bytes();
}

std::vector<std::pair<std::string, Tensor*>> Optimizer::slots() {
  std::vector<std::pair<std::string, Tensor*>> slots;
  if (first_.defined()) slots.emplace_back(second_.defined() ? "exp_avg." : "momentum.", &first_);
  if (second_.defined()) slots.emplace_back("exp_avg_sq.", &second_);
  return slots;
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  for (const auto& [prefix, flat] : const_cast<Optimizer*>(this)->slots()) {
    for (const Entry& e : entries_) {
      Tensor part(e.value.shape());
      copy(part.f32(), Device::cpu, flat->f32() + e.offset, flat->device(), part.bytes());
      state.emplace_back(prefix + e.name, std::move(part));
    }
  }
  return state;
}

void Optimizer::restore(const NamedTensors& state, long steps) {
  std::map<std::string, const Tensor*> found;
  for (const auto& [name, tensor] : state) found.emplace(name, &tensor);
  for (const auto& [prefix, flat] : slots()) {
    for (const Entry& e : entries_) {
      const auto it = found.find(prefix + e.name);
      if (it == found.end())
        throw WeightsError("optimizer state: " + prefix + e.name + " is missing");
      if (it->second->shape() != e.value.shape()) {
        throw WeightsError("optimizer state: " + prefix + e.name + " is " +
                           to_string(it->second->shape()) + ", not " + to_string(e.value.shape()));
      }
      copy(flat->f32() + e.offset, flat->device(), it->second->f32(), Device::cpu,
           it->second->bytes());
      found.erase(it);
    }
  }
  if (!found.empty()) {
    throw WeightsError("optimizer state: " + found.begin()->first + " is unexpected");
  }
  steps_ = steps;
}

double clip_factor(double norm, double most) {
  return most > 0 ? std::min(1.0, most / (norm + 1e-6)) : 1.0;
}

}  // namespace tinct
