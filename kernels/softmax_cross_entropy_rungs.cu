// Softmax cross-entropy, the steps on the way to rows in registers. `naive`: bound by sectors,
// eight times what it uses. `warp`: by memory where a row stays in the first cache between its
// three passes; any number of bins.
#include "kernels/reduce_device.h"
#include "kernels/softmax_cross_entropy_device.h"

namespace tinct::gpu {
namespace {

using softmax::Arrays;

// (class weight) z of one bin of a dense target.
__device__ float dense_weight(const Arrays& a, std::size_t pixel, int q, float by) {
  const float z = a.target[pixel * static_cast<std::size_t>(a.bins) + static_cast<std::size_t>(q)];
  return a.class_weight != nullptr && !a.top_bin ? z * a.class_weight[q] : z * by;
}

// A thread owns a pixel and walks along its row: neighbouring lanes are a row apart.
__global__ void thread_a_row(Arrays a, double* partials) {
  double loss = 0;
  for (std::size_t pixel = first_item(); pixel < a.pixels; pixel += item_step()) {
    const std::size_t row = pixel * static_cast<std::size_t>(a.bins);
    float largest = -INFINITY, sum = 0, total = 0, dot = 0, by = 1;
    for (int q = 0; q < a.bins; ++q) largest = fmaxf(largest, a.logits[row + q]);
    for (int q = 0; q < a.bins; ++q) sum += expf(a.logits[row + q] - largest);
    if (a.index != nullptr) {
      const softmax::SparseTarget target(a, pixel);
      for (int i = 0; i < a.neighbours; ++i) {
        total += target.weight(i);
        dot += target.weight(i) * (a.logits[row + target.bin(i)] - largest);
      }
      for (int q = 0; a.gradient != nullptr && q < a.bins; ++q) {
        a.gradient[row + q] = expf(a.logits[row + q] - largest) * (total * a.scale / sum);
      }
      for (int i = 0; a.gradient != nullptr && i < a.neighbours; ++i) {
        a.gradient[row + target.bin(i)] -= a.scale * target.weight(i);
      }
    } else {
      int top = 0;
      for (int q = 1; a.top_bin && q < a.bins; ++q) {
        if (a.target[row + q] > a.target[row + top]) top = q;
      }
      if (a.top_bin) by = a.class_weight[top];
      for (int q = 0; q < a.bins; ++q) {
        const float z = dense_weight(a, pixel, q, by);
        total += z;
        dot += z * (a.logits[row + q] - largest);
      }
      for (int q = 0; a.gradient != nullptr && q < a.bins; ++q) {
        a.gradient[row + q] = expf(a.logits[row + q] - largest) * (total * a.scale / sum) -
                              a.scale * dense_weight(a, pixel, q, by);
      }
    }
    loss += static_cast<double>(total * logf(sum) - dot);
  }
  loss = block_sum(loss);
  if (threadIdx.x == 0) partials[blockIdx.x] = loss;
}

// A warp owns a pixel: neighbouring lanes read neighbouring bins, three times.
__global__ void warp_a_row(Arrays a, double* partials) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::size_t warps = gridDim.x * std::size_t{kSumThreads / 32};
  double loss = 0;
  for (std::size_t pixel = first_item() / 32; pixel < a.pixels; pixel += warps) {
    const std::size_t row = pixel * static_cast<std::size_t>(a.bins);
    float largest = -INFINITY, sum = 0, total = 0, dot = 0, by = 1;
    for (int q = lane; q < a.bins; q += 32) largest = fmaxf(largest, a.logits[row + q]);
    largest = lane_max(largest);
    for (int q = lane; q < a.bins; q += 32) sum += expf(a.logits[row + q] - largest);
    sum = lane_sum(sum);
    if (a.index != nullptr) {
      const softmax::SparseTarget target(a, pixel);
      for (int i = 0; i < a.neighbours; ++i) {
        total += target.weight(i);
        dot += target.weight(i) * (a.logits[row + target.bin(i)] - largest);
      }
    } else {
      if (a.top_bin) {
        float most = -INFINITY;
        int top = a.bins;
        for (int q = lane; q < a.bins; q += 32) {
          const float z = a.target[row + q];
          if (z > most) most = z, top = q;
        }
        by = softmax::top_weight<32>(a, most, top);
      }
      for (int q = lane; q < a.bins; q += 32) {
        const float z = dense_weight(a, pixel, q, by);
        total += z;
        dot += z * (a.logits[row + q] - largest);
      }
      total = lane_sum(total);
      dot = lane_sum(dot);
    }
    if (lane == 0) loss += static_cast<double>(total * logf(sum) - dot);
    if (a.gradient == nullptr) continue;
    const float factor = total * a.scale / sum;
    for (int q = lane; q < a.bins; q += 32) {
      float g = expf(a.logits[row + q] - largest) * factor;
      if (a.index == nullptr) g -= a.scale * dense_weight(a, pixel, q, by);
      if (a.index != nullptr) {
        const softmax::SparseTarget target(a, pixel);
        for (int i = 0; i < a.neighbours; ++i) {
          if (target.bin(i) == q) g -= a.scale * target.weight(i);
        }
      }
      a.gradient[row + q] = g;
    }
  }
  loss = block_sum(loss);
  if (threadIdx.x == 0) partials[blockIdx.x] = loss;
}

double run(void (*kernel)(Arrays, double*), const Launch& grid, const Arrays& a) {
  device::Array<double> partials(grid.grid.x);
  launch(grid, kernel, a, partials.data());
  return sum_of(partials.data(), grid.grid.x) / static_cast<double>(a.pixels);
}

}  // namespace

double softmax_cross_entropy_naive(const SoftmaxShape& s, const float* logits, const float* index,
                                   const float* target, const float* class_weight,
                                   float* gradient) {
  return run(thread_a_row, over(s.pixels, kSumThreads),
             softmax::arrays_of(s, logits, index, target, class_weight, gradient));
}

double softmax_cross_entropy_warp(const SoftmaxShape& s, const float* logits, const float* index,
                                  const float* target, const float* class_weight, float* gradient) {
  return run(warp_a_row, over(s.pixels * 32, kSumThreads),
             softmax::arrays_of(s, logits, index, target, class_weight, gradient));
}

}  // namespace tinct::gpu
