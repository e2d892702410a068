// Optimizer steps on the GPU: one launch over all parameters. Bound by memory: SGD moves 12 bytes a
// parameter, with momentum 20, Adam 28, a running average 12, the sum of squares 4.
#include "kernels/optimizer_step.h"

#include <cmath>
#include <vector>

#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

constexpr std::size_t kChunk = 4096;  // elements of a block

// A parameter as the kernels see it. Its chunks follow those of the part before.
struct Part {
  float* w;
  const float* g;
  std::size_t count, offset, first_chunk;
  float lr, shrink, l2;
};

// What happens to one element: w, its gradient, its states. kStates of them are in use.
struct Sgd {
  static constexpr int kStates = 0;
  float grad_scale;

  __device__ void operator()(const Part& p, float& w, float g, float&, float&) const {
    w = w * p.shrink - p.lr * (g * grad_scale + p.l2 * w);
  }
};

struct Momentum {
  static constexpr int kStates = 1;
  float grad_scale, momentum, own, past;  // Nesterov's own is 1 and past the momentum, else 0 and 1

  __device__ void operator()(const Part& p, float& w, float g, float& v, float&) const {
    const float d = g * grad_scale + p.l2 * w;
    v = momentum * v + d;
    w = w * p.shrink - p.lr * (own * d + past * v);
  }
};

struct Adam {
  static constexpr int kStates = 2;
  float grad_scale, beta1, rest1, beta2, rest2, root, epsilon;

  __device__ void operator()(const Part& p, float& w, float g, float& m, float& v) const {
    const float d = g * grad_scale + p.l2 * w;
    m = beta1 * m + rest1 * d;
    v = beta2 * v + rest2 * d * d;
    w = w * p.shrink - p.lr * m / (sqrtf(v) * root + epsilon);
  }
};

struct Average {
  static constexpr int kStates = 0;
  float rest;

  __device__ void operator()(const Part&, float& w, float x, float&, float&) const {
    w += rest * (x - w);
  }
};

// The part that a chunk belongs to.
__device__ int part_of(std::size_t chunk, int count, const Part* parts) {
  int low = 0, high = count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (parts[middle].first_chunk <= chunk) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

__device__ bool aligned(const float* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

// A block owns a chunk, a thread every 256th vector of four; elements where a part's state is not
// aligned for vectors, since the states of all parameters lie side by side.
template <class Rule>
__global__ void step(Rule rule, int count, const Part* parts, float* first, float* second) {
  const Part part = parts[part_of(blockIdx.x, count, parts)];
  const std::size_t begin = (blockIdx.x - part.first_chunk) * kChunk;
  const unsigned size = static_cast<unsigned>(min(kChunk, part.count - begin));
  float* const w = part.w + begin;
  const float* const g = part.g + begin;
  float* const m = Rule::kStates > 0 ? first + part.offset + begin : w;
  float* const v = Rule::kStates > 1 ? second + part.offset + begin : w;
  const bool vectors = aligned(w) && aligned(g) && aligned(m) && aligned(v);
  const unsigned whole = vectors ? size / 4 : 0;
  for (unsigned i = threadIdx.x; i < whole; i += blockDim.x) {
    float4 a = reinterpret_cast<float4*>(w)[i];
    const float4 b = reinterpret_cast<const float4*>(g)[i];
    float4 c{}, d{};
    if constexpr (Rule::kStates > 0) c = reinterpret_cast<float4*>(m)[i];
    if constexpr (Rule::kStates > 1) d = reinterpret_cast<float4*>(v)[i];
    rule(part, a.x, b.x, c.x, d.x);
    rule(part, a.y, b.y, c.y, d.y);
    rule(part, a.z, b.z, c.z, d.z);
    rule(part, a.w, b.w, c.w, d.w);
    reinterpret_cast<float4*>(w)[i] = a;
    if constexpr (Rule::kStates > 0) reinterpret_cast<float4*>(m)[i] = c;
    if constexpr (Rule::kStates > 1) reinterpret_cast<float4*>(v)[i] = d;
  }
  for (unsigned i = 4 * whole + threadIdx.x; i < size; i += blockDim.x) {
    float a = w[i], c = 0, d = 0;
    if constexpr (Rule::kStates > 0) c = m[i];
    if constexpr (Rule::kStates > 1) d = v[i];
    rule(part, a, g[i], c, d);
    w[i] = a;
    if constexpr (Rule::kStates > 0) m[i] = c;
    if constexpr (Rule::kStates > 1) v[i] = d;
  }
}

__device__ double square(float g) {
  return static_cast<double>(g) * static_cast<double>(g);
}

// A block leaves the sum of a chunk's squares. Doubles: four of them hide behind 16 bytes.
__global__ void squares(int count, const Part* parts, double* partials) {
  const Part part = parts[part_of(blockIdx.x, count, parts)];
  const std::size_t begin = (blockIdx.x - part.first_chunk) * kChunk;
  const unsigned size = static_cast<unsigned>(min(kChunk, part.count - begin));
  const float* const g = part.g + begin;
  const unsigned whole = aligned(g) ? size / 4 : 0;
  double sum = 0;
  for (unsigned i = threadIdx.x; i < whole; i += blockDim.x) {
    const float4 a = reinterpret_cast<const float4*>(g)[i];
    sum += (square(a.x) + square(a.y)) + (square(a.z) + square(a.w));
  }
  for (unsigned i = 4 * whole + threadIdx.x; i < size; i += blockDim.x) sum += square(g[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// The parts in device memory.
class Table {
 public:
  void add(float* w, const float* g, std::size_t count, std::size_t offset, float lr, float shrink,
           float l2) {
    if (count == 0) return;
    parts_.push_back({w, g, count, offset, chunks_, lr, shrink, l2});
    chunks_ += ceil_div(count, kChunk);
  }

  /// Calls run(grid, parts, table).
  template <class F>
  void launch_with(F&& run) const {
    if (parts_.empty()) return;
    const device::Array<Part> table(parts_.data(), parts_.size());
    run(Launch{dim3(static_cast<unsigned>(chunks_)), dim3(kSumThreads)},
        static_cast<int>(parts_.size()), table.data());
  }

  std::size_t chunks() const { return chunks_; }

 private:
  std::vector<Part> parts_;
  std::size_t chunks_ = 0;
};

Table table_of(std::span<const StepPart> parts, bool decoupled, double lr_factor = 1) {
  Table table;
  for (const StepPart& p : parts) {
    table.add(p.w, p.g, p.count, p.offset, static_cast<float>(p.lr * lr_factor),
              decoupled ? 1.0f - p.lr * p.decay : 1.0f, decoupled ? 0.0f : p.decay);
  }
  return table;
}

template <class Rule>
void run_step(const Table& table, const Rule& rule, float* first, float* second) {
  table.launch_with([&](const Launch& grid, int count, const Part* parts) {
    launch(grid, step<Rule>, rule, count, parts, first, second);
  });
}

}  // namespace

void sgd_step(std::span<const StepPart> parts, const SgdStep& s, float* velocity) {
  const Table table = table_of(parts, s.decoupled);
  if (velocity == nullptr) return run_step(table, Sgd{s.grad_scale}, nullptr, nullptr);
  const Momentum rule{s.grad_scale, s.momentum, s.nesterov ? 1.0f : 0.0f,
                      s.nesterov ? s.momentum : 1.0f};
  run_step(table, rule, velocity, nullptr);
}

void adam_step(std::span<const StepPart> parts, const AdamStep& s, float* m, float* v) {
  const double correction1 = 1 - std::pow(s.beta1, s.step);
  const double correction2 = 1 - std::pow(s.beta2, s.step);
  const bool corrected = s.placement == AdamEpsilon::corrected;
  Adam rule{};
  rule.grad_scale = s.grad_scale;
  rule.beta1 = static_cast<float>(s.beta1);
  rule.rest1 = static_cast<float>(1 - s.beta1);
  rule.beta2 = static_cast<float>(s.beta2);
  rule.rest2 = static_cast<float>(1 - s.beta2);
  rule.epsilon = static_cast<float>(s.epsilon);
  rule.root = corrected ? static_cast<float>(1 / std::sqrt(correction2)) : 1.0f;
  const double lr_factor = (corrected ? 1.0 : std::sqrt(correction2)) / correction1;
  run_step(table_of(parts, s.decoupled, lr_factor), rule, m, v);
}

void average_step(std::span<const AveragePart> parts, float decay) {
  Table table;
  for (const AveragePart& p : parts) table.add(p.average, p.x, p.count, 0, 0, 1, 0);
  run_step(table, Average{1.0f - decay}, nullptr, nullptr);
}

double squared_norm(std::span<const StepPart> parts) {
  const Table table = table_of(parts, false);
  double sum = 0;
  table.launch_with([&](const Launch& grid, int count, const Part* list) {
    device::Array<double> partials(table.chunks());
    launch(grid, squares, count, list, partials.data());
    sum = sum_of(partials.data(), table.chunks());
  });
  return sum;
}

}  // namespace tinct::gpu
