// Optimizer steps as their papers write them, in double.
#include <cmath>

#include "kernels/optimizer_step.h"

namespace tinct::ref {

void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity) {
  for (const StepPart& part : parts) {
    for (std::size_t i = 0; i < part.count; ++i) {
      double w = part.w[i];
      double g = double{part.g[i]} * s.grad_scale;
      if (s.decoupled) {
        w -= double{part.lr} * part.decay * w;
      } else {
        g += part.decay * w;
      }
      double direction = g;
      if (velocity) {
        float& v = velocity[part.offset + i];
        v = static_cast<float>(double{s.momentum} * v + g);
        direction = s.nesterov ? g + double{s.momentum} * v : v;
      }
      part.w[i] = static_cast<float>(w - part.lr * direction);
    }
  }
}

void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v) {
  const double correction1 = 1 - std::pow(s.beta1, s.step);
  const double correction2 = 1 - std::pow(s.beta2, s.step);
  for (const StepPart& part : parts) {
    for (std::size_t i = 0; i < part.count; ++i) {
      double w = part.w[i];
      double g = double{part.g[i]} * s.grad_scale;
      if (s.decoupled) {
        w -= double{part.lr} * part.decay * w;
      } else {
        g += part.decay * w;
      }
      const std::size_t j = part.offset + i;
      m[j] = static_cast<float>(s.beta1 * m[j] + (1 - s.beta1) * g);
      v[j] = static_cast<float>(s.beta2 * v[j] + (1 - s.beta2) * g * g);
      const double step =
          s.placement == AdamEpsilon::corrected
              ? m[j] / correction1 / (std::sqrt(v[j] / correction2) + s.epsilon)
              : std::sqrt(correction2) / correction1 * m[j] / (std::sqrt(double{v[j]}) + s.epsilon);
      part.w[i] = static_cast<float>(w - part.lr * step);
    }
  }
}

void average_step(std::span<const AveragePart> parts, float decay) {
  for (const AveragePart& part : parts) {
    for (std::size_t i = 0; i < part.count; ++i) {
      const double average = part.average[i];
      part.average[i] = static_cast<float>(average + (1.0 - decay) * (part.x[i] - average));
    }
  }
}

double squared_norm(std::span<const StepPart> parts) {
  double sum = 0;
  for (const StepPart& part : parts) {
    for (std::size_t i = 0; i < part.count; ++i) sum += double{part.g[i]} * part.g[i];
  }
  return sum;
}

}  // namespace tinct::ref
