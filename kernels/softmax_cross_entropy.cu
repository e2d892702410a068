// Softmax cross-entropy on the GPU, a row of logits in the registers of some lanes: one read of the
// logits, one write of the gradient. Bound by memory for many bins (8 bytes a logit, 12 with a
// dense target), by its two shuffle trees and the logarithm for few.
#include "kernels/softmax_cross_entropy.h"

#include "kernels/reduce_device.h"
#include "kernels/softmax_cross_entropy_device.h"

namespace tinct::gpu {
namespace {

using softmax::Arrays;

constexpr int kSectorFloats = 8;

// kLanes lanes own a pixel, lane l every bin that lies kLanes apart from l. They start at the
// sector that the row begins in, so that every request is whole sectors whatever the number of
// bins.
template <int kLanes, int kPer>
__global__ void row_in_registers(Arrays a, double* partials) {
  constexpr int kGroups = kSumThreads / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::size_t group = threadIdx.x / kLanes;
  double loss = 0;
  for (std::size_t first = blockIdx.x * std::size_t{kGroups}; first < a.pixels;
       first += gridDim.x * std::size_t{kGroups}) {
    const std::size_t pixel = first + group < a.pixels ? first + group : a.pixels - 1;
    const bool own = first + group < a.pixels;  // lanes without a pixel do the last again, unseen
    const std::size_t row = pixel * static_cast<std::size_t>(a.bins);
    const int begin = lane - static_cast<int>(row % kSectorFloats);
    const auto inside = [&](int k) {
      const int q = begin + k * kLanes;
      return q >= 0 && q < a.bins;
    };
    const auto at = [&](int k) { return row + static_cast<std::size_t>(begin + k * kLanes); };

    // Lanes before the row's first bin read the end of the row before, in the same sector.
    const auto fetch = [&](const float* from, int k, float otherwise) {
      const float v = begin + k * kLanes < a.bins ? from[at(k)] : otherwise;
      return begin + k * kLanes >= 0 ? v : otherwise;
    };

    float x[kPer], z[kPer], largest = -INFINITY;
    for (int k = 0; k < kPer; ++k) {
      x[k] = fetch(a.logits, k, -INFINITY);
      largest = fmaxf(largest, x[k]);
    }
    largest = lane_max<kLanes>(largest);

    float total = 0, dot = 0;  // of the target's weights, and of them times logit - largest
    if (a.index != nullptr) {
      const softmax::SparseTarget target(a, pixel);
      for (int k = 0; k < kPer; ++k) z[k] = 0;
      for (int i = 0; i < a.neighbours; ++i) {
        const float weight = target.weight(i);
        const int bin = target.bin(i);
        total += weight;
        dot += weight * (a.logits[row + static_cast<std::size_t>(bin)] - largest);
        for (int k = 0; k < kPer; ++k) z[k] += begin + k * kLanes == bin ? weight : 0.0f;
      }
    } else {
      float most = -INFINITY, by = 1;
      int top = a.bins;
      for (int k = 0; k < kPer; ++k) {
        z[k] = fetch(a.target, k, 0);
        if (inside(k) && z[k] > most) most = z[k], top = begin + k * kLanes;
      }
      if (a.top_bin) by = softmax::top_weight<kLanes>(a, most, top);
      const bool each = a.class_weight != nullptr && !a.top_bin;
      for (int k = 0; k < kPer; ++k) {
        if (!inside(k)) continue;
        z[k] *= each ? a.class_weight[begin + k * kLanes] : by;
        total += z[k];
        dot += z[k] * (x[k] - largest);
      }
      total = lane_sum<kLanes>(total);
      dot = lane_sum<kLanes>(dot);
    }

    float sum = 0;
    for (int k = 0; k < kPer; ++k) {
      x[k] = expf(x[k] - largest);
      sum += x[k];
    }
    sum = lane_sum<kLanes>(sum);
    if (own && lane == 0) loss += static_cast<double>(total * logf(sum) - dot);
    if (!own || a.gradient == nullptr) continue;
    const float factor = total * a.scale / sum;
    if (begin >= 0 && begin < a.bins) a.gradient[at(0)] = x[0] * factor - a.scale * z[0];
    for (int k = 1; k < kPer; ++k) {
      if (inside(k)) a.gradient[at(k)] = x[k] * factor - a.scale * z[k];
    }
  }
  loss = block_sum(loss);
  if (threadIdx.x == 0) partials[blockIdx.x] = loss;
}

template <int kLanes, int kPer>
double run(const Arrays& a) {
  const Launch grid = over(a.pixels * kLanes, kSumThreads);
  device::Array<double> partials(grid.grid.x);
  launch(grid, row_in_registers<kLanes, kPer>, a, partials.data());
  return sum_of(partials.data(), grid.grid.x) / static_cast<double>(a.pixels);
}

}  // namespace

double softmax_cross_entropy(const SoftmaxShape& s, const float* logits, const float* index,
                             const float* target, const float* class_weight, float* gradient) {
  const Arrays a = softmax::arrays_of(s, logits, index, target, class_weight, gradient);
  const std::size_t slots = s.bins + kSectorFloats - 1;
  if (slots <= 16 * 4) return run<16, 4>(a);
  if (slots <= 32 * 10) return run<32, 10>(a);  // 313 bins
  if (slots <= 32 * 17) return run<32, 17>(a);  // 529
  return softmax_cross_entropy_warp(s, logits, index, target, class_weight, gradient);
}

}  // namespace tinct::gpu
