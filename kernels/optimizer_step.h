// One optimizer step over every parameter of a model at once.
#pragma once

#include <cstddef>
#include <span>

namespace tinct {

/// One parameter's share of a step: its numbers, its gradient, and where its state begins in the
/// flat state arrays.
struct StepPart {
  float* w = nullptr;
  const float* g = nullptr;
  std::size_t count = 0;
  std::size_t offset = 0;
  float lr = 0;     ///< learning rate of this parameter at this step
  float decay = 0;  ///< weight decay of this parameter
};

/// v = momentum v + g; w -= lr v, or with Nesterov w -= lr (g + momentum v).
struct SgdStep {
  float momentum = 0;
  bool nesterov = false;
  bool decoupled = false;  ///< decay shrinks w by lr decay, rather than joining the gradient (L2)
  float grad_scale = 1;    ///< multiplies every gradient first: clipping, accumulation
};

/// Where Adam's epsilon stands.
enum class AdamEpsilon {
  corrected,  ///< PyTorch: m^ / (sqrt(v^) + eps), with m^ and v^ corrected for their bias
  raw,        ///< Keras: lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)
};

/// Kingma and Ba, "Adam", 2015; decoupled decay: Loshchilov and Hutter, 2019.
struct AdamStep {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  AdamEpsilon placement = AdamEpsilon::corrected;
  bool decoupled = false;
  long step = 1;  ///< t, from 1
  float grad_scale = 1;
};

/// A running average and what it follows.
struct AveragePart {
  float* average = nullptr;
  const float* x = nullptr;
  std::size_t count = 0;
};

namespace ref {

/// `velocity` is read and written at each part's offset; null without momentum.
void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity);
/// `m` and `v`: the flat first and second moments.
void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v);
/// average += (1 - decay) (x - average).
void average_step(std::span<const AveragePart> parts, float decay);
/// The sum of the squares of every gradient.
double squared_norm(std::span<const StepPart> parts);

}  // namespace ref

namespace cpu {

void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity);
void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v);
void average_step(std::span<const AveragePart> parts, float decay);
double squared_norm(std::span<const StepPart> parts);

}  // namespace cpu

namespace gpu {

/// On device memory, the parts themselves on the host; one launch for all of them. Parts whose w, g
/// and states are 16-byte aligned go in vectors of four, others element by element.
void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity);
void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v);
void average_step(std::span<const AveragePart> parts, float decay);
/// Waits for the result.
double squared_norm(std::span<const StepPart> parts);

}  // namespace gpu
}  // namespace tinct
