// The gradients of whole models, for tests.
#include "tests/models/gradients.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

namespace tinct::test {
namespace {

constexpr double kTolerance = 1e-3;

struct Errors {
  double norm = 0;
  double element = 0;  // relative to the gradient's root mean square
  std::size_t compared = 0;
};

// NaN is the worst.
void take_worse(double& worst, double error) {
  worst = std::isnan(error) ? INFINITY : std::fmax(worst, error);
}

double norm_of(const Tensor& t) {
  double sum = 0;
  for (std::size_t i = 0; i < t.size(); ++i) sum += double{t.f32()[i]} * t.f32()[i];
  return std::sqrt(sum);
}

Errors compare(const SafetensorsFile& golden, const Model& model, const std::string& prefix) {
  Errors e;
  for (const Parameter& p : model.parameters) {
    if (p.buffer) continue;
    INFO(p.name);
    const Tensor& g = p.value.grad();
    const double norm = golden.load(prefix + "norm." + p.name).f32()[0];
    if (norm < 1e-12) {  // a shift before a batch norm does nothing
      CHECK(p.name.ends_with(".norm.beta"));
      CHECK(norm_of(g) <= 1e-6);
      continue;
    }
    take_worse(e.norm, std::abs(norm_of(g) - norm) / norm);
    const Tensor samples = golden.load(prefix + "grad." + p.name);
    const double rms = norm / std::sqrt(static_cast<double>(g.size()));
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const std::size_t place = samples.size() == 1 ? 0 : (g.size() - 1) * k / (samples.size() - 1);
      take_worse(e.element, std::abs(g.f32()[place] - double{samples.f32()[k]}) / rms);
      ++e.compared;
    }
  }
  return e;
}

}  // namespace

void check_gradients_against(const SafetensorsFile& golden, const Model& model,
                             const std::string& planted, std::size_t fewest,
                             const std::string& prefix) {
  const Errors e = compare(golden, model, prefix);
  CHECK(e.compared > fewest);
  CHECK(e.norm <= kTolerance);
  CHECK(e.element <= kTolerance);
  for (const Parameter& p : model.parameters) {
    if (p.name == planted) Value(p.value).mutable_grad().f32()[0] *= 1.5f;
  }
  CHECK(compare(golden, model, prefix).element > kTolerance);
}

Tensor all_gradients(const Model& model) {
  std::size_t count = 0;
  for (const Parameter& p : model.parameters) count += p.buffer ? 0 : p.value.grad().size();
  Tensor all({1, 1, 1, count});
  float* to = all.f32();
  for (const Parameter& p : model.parameters) {
    if (p.buffer) continue;
    const Tensor& g = p.value.grad();
    to = std::copy_n(g.f32(), g.size(), to);
  }
  return all;
}

}  // namespace tinct::test
