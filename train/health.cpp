// Grey collapse, one colour, dead layers, and where numbers stop being finite.
#include "train/health.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "layers/cast.h"

namespace tinct {
namespace {

std::size_t dead_channels(const Tensor& t) {
  const std::size_t c = t.shape().c;
  std::vector<bool> alive(c);
  for (std::size_t i = 0; i < t.size(); ++i) {
    if (t.f32()[i] != 0.0f) alive[i % c] = true;
  }
  return static_cast<std::size_t>(std::count(alive.begin(), alive.end(), false));
}

std::string layer_of(const std::string& complaint) {
  return complaint.substr(0, complaint.find(':'));
}

}  // namespace

ChromaStatistics chroma_statistics(const Tensor& ab) {
  double a = 0, b = 0, squares = 0, chroma = 0;
  const std::size_t n = ab.shape().pixels();
  for (std::size_t i = 0; i < n; ++i) {
    const double pa = ab.f32()[2 * i];
    const double pb = ab.f32()[2 * i + 1];
    a += pa;
    b += pb;
    squares += pa * pa + pb * pb;
    chroma += std::sqrt(pa * pa + pb * pb);
  }
  const double count = static_cast<double>(n);
  const double variance = squares / count - (a * a + b * b) / (count * count);
  return {chroma / count, std::sqrt(std::max(0.0, variance))};
}

std::string check_output(const Tensor& predicted_ab, const Tensor& true_ab) {
  const ChromaStatistics p = chroma_statistics(predicted_ab);
  const ChromaStatistics t = chroma_statistics(true_ab);
  if (t.mean_chroma < 2) return "";
  if (!(p.mean_chroma >= 0.1 * t.mean_chroma)) {
    return "grey collapse: the predicted chroma is " + printed("%.1f", p.mean_chroma) +
           " on average, the true " + printed("%.1f", t.mean_chroma);
  }
  if (!(p.spread >= 0.1 * t.spread)) {
    return "one colour: the predicted colours spread by " + printed("%.1f", p.spread) +
           ", the true by " + printed("%.1f", t.spread);
  }
  return "";
}

std::vector<std::string> check_activations(const Taps& taps) {
  std::vector<std::string> complaints;
  for (const auto& [name, t] : taps) {
    const std::size_t dead = dead_channels(cast(t, DType::f32).to(Device::cpu));
    if (2 * dead > t.shape().c) {
      complaints.push_back(name + ": " + std::to_string(dead) + " of " +
                           std::to_string(t.shape().c) + " channels are dead (zero everywhere)");
    }
  }
  return complaints;
}

std::vector<std::string> HealthMonitor::news(const std::vector<std::string>& complaints) {
  std::set<std::string> now;
  std::vector<std::string> fresh;
  for (const std::string& complaint : complaints) {
    const std::string subject = layer_of(complaint);
    now.insert(subject);
    if (!known_.contains(subject)) fresh.push_back(complaint);
  }
  known_ = std::move(now);
  return fresh;
}

std::string find_nonfinite(const Model& model, const Value& x, const Mode& mode) {
  std::vector<std::string> weights;
  for (const Parameter& p : model.parameters) {
    if (!all_finite(p.value.data())) weights.push_back(p.name);
  }
  Taps taps;
  {
    const NoGrad no_grad;
    model.forward(x, mode, &taps);
  }
  for (const auto& [name, t] : taps) {
    if (all_finite(t)) continue;
    std::string text = "the first activation that is not finite is that of layer " + name;
    if (!weights.empty()) text += "; weights that are not finite: " + join(weights);
    return text;
  }
  if (!weights.empty()) return "weights that are not finite: " + join(weights);
  for (auto p = model.parameters.rbegin(); p != model.parameters.rend(); ++p) {
    if (p->value.has_grad() && !all_finite(p->value.grad())) {
      return "activations are finite; the first gradient that is not is that of " + p->name;
    }
  }
  return "";
}

bool all_finite(const Tensor& t) {
  const Tensor host = cast(t, DType::f32).to(Device::cpu);
  return std::all_of(host.f32(), host.f32() + host.size(),
                     [](float v) { return std::isfinite(v); });
}

}  // namespace tinct
