// The moving average of a model's weights.
#include "train/ema.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "kernels/optimizer_step.h"
#include "kernels/twins.h"

namespace tinct {

Ema::Ema(double decay, const Parameters& parameters) : decay_(decay), parameters_(parameters) {
  if (!(decay > 0 && decay < 1)) throw std::invalid_argument("Ema: decay must be in (0, 1)");
  for (const Parameter& p : parameters) averages_.push_back(p.value.data().clone());
}

void Ema::update() {
  const double t = static_cast<double>(updates_++);
  std::vector<AveragePart> parts;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    parts.push_back({averages_[i].f32(), parameters_[i].value.data().f32(), averages_[i].size()});
  }
  const auto decay = static_cast<float>(std::min(decay_, (1 + t) / (10 + t)));
  TINCT_ON(averages_.front().device(), average_step, parts, decay);
}

void Ema::swap() {
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    std::swap(averages_[i], parameters_[i].value.mutable_data());
  }
}

NamedTensors Ema::state() const {
  NamedTensors state;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    state.emplace_back(parameters_[i].name, averages_[i].to(Device::cpu));
  }
  return state;
}

void Ema::restore(const NamedTensors& state, long updates) {
  std::map<std::string, Tensor> found(state.begin(), state.end());
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    const auto it = found.find(name);
    if (it == found.end()) throw WeightsError("averaged weights: " + name + " is missing");
    if (it->second.shape() != averages_[i].shape()) {
      throw WeightsError("averaged weights: " + name + " is " + to_string(it->second.shape()) +
                         ", not " + to_string(averages_[i].shape()));
    }
    averages_[i] = it->second.clone().to(averages_[i].device());
    found.erase(it);
  }
  if (!found.empty()) {
    throw WeightsError("averaged weights: " + found.begin()->first + " is unexpected");
  }
  updates_ = updates;
}

}  // namespace tinct
