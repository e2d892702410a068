// Optimizer steps, vectorised per instruction set and cut into chunks of one size for the threads.
// Bound by memory: Adam moves 28 bytes a parameter for some 15 operations.
#include "kernels/optimizer_step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizer_step.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <cmath>

#ifndef TINCT_OPTIMIZER_STEP_ONCE
#define TINCT_OPTIMIZER_STEP_ONCE
namespace tinct {

// What is the same for every element of a part.
struct SgdFactors {
  float grad_scale, momentum, lr, shrink, l2;
  bool nesterov;
};
struct AdamFactors {
  float grad_scale, beta1, rest1, beta2, rest2, lr, root, epsilon, shrink, l2;
};

}  // namespace tinct
#endif

// Plain loops: the compiler vectorises them for each target.
HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

void sgd_chunk(std::size_t count, float* HWY_RESTRICT w, const float* HWY_RESTRICT g,
               const SgdFactors& factors) {
  const SgdFactors f = factors;
  for (std::size_t i = 0; i < count; ++i) {
    const float d = g[i] * f.grad_scale + f.l2 * w[i];
    w[i] = w[i] * f.shrink - f.lr * d;
  }
}

void momentum_chunk(std::size_t count, float* HWY_RESTRICT w, const float* HWY_RESTRICT g,
                    float* HWY_RESTRICT v, const SgdFactors& factors) {
  const SgdFactors f = factors;
  const float own = f.nesterov ? 1.0f : 0.0f;
  const float past = f.nesterov ? f.momentum : 1.0f;
  for (std::size_t i = 0; i < count; ++i) {
    const float d = g[i] * f.grad_scale + f.l2 * w[i];
    v[i] = f.momentum * v[i] + d;
    w[i] = w[i] * f.shrink - f.lr * (own * d + past * v[i]);
  }
}

void adam_chunk(std::size_t count, float* HWY_RESTRICT w, const float* HWY_RESTRICT g,
                float* HWY_RESTRICT m, float* HWY_RESTRICT v, const AdamFactors& factors) {
  const AdamFactors f = factors;
  for (std::size_t i = 0; i < count; ++i) {
    const float d = g[i] * f.grad_scale + f.l2 * w[i];
    m[i] = f.beta1 * m[i] + f.rest1 * d;
    v[i] = f.beta2 * v[i] + f.rest2 * d * d;
    w[i] = w[i] * f.shrink - f.lr * m[i] / (std::sqrt(v[i]) * f.root + f.epsilon);
  }
}

void average_chunk(std::size_t count, float* HWY_RESTRICT average, const float* HWY_RESTRICT x,
                   float rest) {
  for (std::size_t i = 0; i < count; ++i) average[i] += rest * (x[i] - average[i]);
}

double squares_chunk(std::size_t count, const float* HWY_RESTRICT g) {
  constexpr std::size_t kLanes = 16;  // of one size on every target: the same sum everywhere
  double sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      sums[k] += static_cast<double>(g[i + k]) * static_cast<double>(g[i + k]);
    }
  }
  double sum = 0;
  for (const double s : sums) sum += s;
  for (; i < count; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  return sum;
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

#include "core/threads.h"

namespace tinct {

HWY_EXPORT(sgd_chunk);
HWY_EXPORT(momentum_chunk);
HWY_EXPORT(adam_chunk);
HWY_EXPORT(average_chunk);
HWY_EXPORT(squares_chunk);

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 14;

struct Chunk {
  std::size_t part, begin, count;
};

template <class Part>
std::vector<Chunk> cut(std::span<const Part> parts) {
  std::vector<Chunk> chunks;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (std::size_t begin = 0; begin < parts[p].count; begin += kChunk) {
      chunks.push_back({p, begin, std::min(kChunk, parts[p].count - begin)});
    }
  }
  return chunks;
}

// Calls body(part, begin, count) for every chunk, threaded.
template <class Part, class Body>
void for_chunks(std::span<const Part> parts, const Body& body) {
  const std::vector<Chunk> chunks = cut(parts);
  parallel_for(chunks.size(), [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      body(parts[chunks[i].part], chunks[i].begin, chunks[i].count);
    }
  });
}

}  // namespace

namespace cpu {

void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity) {
  for_chunks(parts, [&](const StepPart& part, std::size_t begin, std::size_t count) {
    SgdFactors f{};
    f.grad_scale = s.grad_scale;
    f.momentum = s.momentum;
    f.lr = part.lr;
    f.nesterov = s.nesterov;
    f.shrink = s.decoupled ? 1.0f - part.lr * part.decay : 1.0f;
    f.l2 = s.decoupled ? 0.0f : part.decay;
    if (velocity) {
      HWY_DYNAMIC_DISPATCH(momentum_chunk)
      (count, part.w + begin, part.g + begin, velocity + part.offset + begin, f);
    } else {
      HWY_DYNAMIC_DISPATCH(sgd_chunk)(count, part.w + begin, part.g + begin, f);
    }
  });
}

void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v) {
  const double correction1 = 1 - std::pow(s.beta1, s.step);
  const double correction2 = 1 - std::pow(s.beta2, s.step);
  const bool corrected = s.placement == AdamEpsilon::corrected;
  AdamFactors common{};
  common.grad_scale = s.grad_scale;
  common.beta1 = static_cast<float>(s.beta1);
  common.rest1 = static_cast<float>(1 - s.beta1);
  common.beta2 = static_cast<float>(s.beta2);
  common.rest2 = static_cast<float>(1 - s.beta2);
  common.epsilon = static_cast<float>(s.epsilon);
  common.root = corrected ? static_cast<float>(1 / std::sqrt(correction2)) : 1.0f;
  for_chunks(parts, [&](const StepPart& part, std::size_t begin, std::size_t count) {
    AdamFactors f = common;
    const double lr = part.lr / correction1 * (corrected ? 1.0 : std::sqrt(correction2));
    f.lr = static_cast<float>(lr);
    f.shrink = s.decoupled ? 1.0f - part.lr * part.decay : 1.0f;
    f.l2 = s.decoupled ? 0.0f : part.decay;
    const std::size_t at = part.offset + begin;
    HWY_DYNAMIC_DISPATCH(adam_chunk)(count, part.w + begin, part.g + begin, m + at, v + at, f);
  });
}

void average_step(std::span<const AveragePart> parts, float decay) {
  for_chunks(parts, [&](const AveragePart& part, std::size_t begin, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(average_chunk)
    (count, part.average + begin, part.x + begin, 1.0f - decay);
  });
}

double squared_norm(std::span<const StepPart> parts) {
  const std::vector<Chunk> chunks = cut(parts);
  return parallel_sum(chunks.size(), 1, [&](std::size_t i, std::size_t) {
    const Chunk& chunk = chunks[i];
    return HWY_DYNAMIC_DISPATCH(squares_chunk)(chunk.count, parts[chunk.part].g + chunk.begin);
  });
}

}  // namespace cpu
}  // namespace tinct
#endif
