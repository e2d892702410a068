// How weights are drawn before training.
#include "layers/init.h"

#include <cmath>
#include <stdexcept>

namespace tinct {
namespace {

double fan_in(const Shape& w) {
  return static_cast<double>(w.h * w.w * w.c);
}

double fan_out(const Shape& w) {
  return static_cast<double>(w.h * w.w * w.n);
}

// Fills a tensor with sample(i).
template <class F>
Tensor filled(const Shape& shape, F&& sample) {
  Tensor t(shape);
  float* p = t.f32();
  for (std::size_t i = 0; i < t.size(); ++i) p[i] = static_cast<float>(sample(i));
  return t;
}

}  // namespace

void Initializer::set_scheme(InitScheme scheme, double sigma) {
  scheme_ = scheme;
  sigma_ = sigma;
}

Tensor Initializer::draw(Shape weights) {
  switch (scheme_) {
    case InitScheme::xavier_uniform:
      return xavier_uniform(weights);
    case InitScheme::xavier_normal:
      return xavier_normal(weights);
    case InitScheme::he_uniform:
      return he_uniform(weights);
    case InitScheme::he_normal:
      return he_normal(weights);
    case InitScheme::fan_in_uniform:
      return fan_in_uniform(weights);
    case InitScheme::truncated_normal:
      return truncated_normal(weights, sigma_);
    case InitScheme::normal:
      return normal(weights, sigma_);
    case InitScheme::zeros:
      return Tensor::zeros(weights);
  }
  throw std::invalid_argument("Initializer::draw: unknown scheme");
}

Tensor Initializer::xavier_uniform(Shape weights, double gain) {
  const double a = gain * std::sqrt(6 / (fan_in(weights) + fan_out(weights)));
  return uniform(weights, -a, a);
}

Tensor Initializer::xavier_normal(Shape weights, double gain) {
  return normal(weights, gain * std::sqrt(2 / (fan_in(weights) + fan_out(weights))));
}

Tensor Initializer::he_uniform(Shape weights) {
  const double a = std::sqrt(6 / fan_in(weights));
  return uniform(weights, -a, a);
}

Tensor Initializer::he_normal(Shape weights) {
  return normal(weights, std::sqrt(2 / fan_in(weights)));
}

Tensor Initializer::fan_in_uniform(Shape weights) {
  const double a = std::sqrt(1 / fan_in(weights));
  return uniform(weights, -a, a);
}

Tensor Initializer::truncated_normal(Shape shape, double sigma) {
  const Random random = next();
  // 4.6 % are drawn again, so that 16 draws in a row fail once in 1e21 numbers; then it is 0.
  constexpr std::uint64_t kDraws = 16;
  return filled(shape, [&](std::uint64_t i) {
    for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
      const double z = random.normal(i * kDraws + draw);
      if (std::abs(z) <= 2) return sigma * z;
    }
    return 0.0;
  });
}

Tensor Initializer::normal(Shape shape, double sigma) {
  const Random random = next();
  return filled(shape, [&](std::uint64_t i) { return sigma * random.normal(i); });
}

Tensor Initializer::uniform(Shape shape, double low, double high) {
  const Random random = next();
  return filled(shape, [&](std::uint64_t i) { return low + (high - low) * random.uniform(i); });
}

}  // namespace tinct
