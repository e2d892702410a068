// Element-by-element losses: the plain reference.
#include <algorithm>
#include <cmath>

#include "kernels/pixel_loss.h"

namespace tinct::ref {
namespace {

struct Term {
  double value, slope;
};

double sign(double u) {
  return u > 0 ? 1 : u < 0 ? -1 : 0;
}

Term penalty(const PixelLoss& loss, double p, double t) {
  const double u = p - t;
  const double delta = loss.delta;
  switch (loss.penalty) {
    case Penalty::l1:
      return {std::abs(u), sign(u)};
    case Penalty::l2:
      return {u * u, 2 * u};
    case Penalty::huber:
      if (std::abs(u) <= delta) return {u * u / 2, u};
      return {delta * (std::abs(u) - delta / 2), delta * sign(u)};
    case Penalty::bce_with_logits:
      break;
  }
  return {std::max(p, 0.0) - p * t + std::log1p(std::exp(-std::abs(p))),
          1 / (1 + std::exp(-p)) - t};
}

}  // namespace

double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient) {
  const double scale = 1.0 / static_cast<double>(loss.pixels * loss.channels);
  double sum = 0;
  for (std::size_t i = 0; i < loss.pixels * loss.channels; ++i) {
    const double w = weight ? weight[i / loss.channels] : 1.0;
    const Term term = penalty(loss, prediction[i], target[i]);
    sum += w * term.value;
    if (gradient) gradient[i] = static_cast<float>(scale * w * term.slope);
  }
  return sum * scale;
}

}  // namespace tinct::ref
