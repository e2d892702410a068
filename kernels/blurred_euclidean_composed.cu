// The blurred Euclidean loss as a composition of kernels over whole maps: the first rung, and what
// runs for many channels or wide blurs. Bound by memory: 20 + 72 bytes an element and blur.
#include <utility>

#include "kernels/blurred_euclidean.h"
#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

// A thread owns elements a grid apart.
__global__ void subtract(std::size_t count, const float* a, const float* b, float* difference) {
  for (std::size_t i = first_item(); i < count; i += item_step()) difference[i] = a[i] - b[i];
}

// slope may be v; it comes times `scale`.
__global__ void penalties(std::size_t count, bool squared, float scale, const float* v,
                          float* slope, double* partials) {
  double sum = 0;
  for (std::size_t i = first_item(); i < count; i += item_step()) {
    const float x = v[i];
    sum += squared ? x * x : fabsf(x);
    slope[i] = scale * (squared ? 2 * x : x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void add(std::size_t count, const float* x, float* y) {
  for (std::size_t i = first_item(); i < count; i += item_step()) y[i] += x[i];
}

}  // namespace

double blurred_euclidean_composed(const BlurredEuclidean& loss, const float* prediction,
                                  const float* target, float* gradient) {
  const std::size_t count = loss.shape.size();
  if (count == 0) return 0;
  const double scale = 1.0 / static_cast<double>(count * (loss.taps.size() + 1));
  const Launch grid = over(count, kSumThreads);
  device::Array<float> difference(count), blurred(count), back(count);
  device::Array<double> partials(grid.grid.x);
  const auto sum_penalties = [&](const float* v, float* slope) {
    launch(grid, penalties, count, loss.squared, static_cast<float>(scale), v, slope,
           partials.data());
    return sum_of(partials.data(), grid.grid.x);
  };
  launch(grid, subtract, count, prediction, target, difference.data());
  double sum = sum_penalties(difference.data(), gradient ? gradient : back.data());
  for (const std::vector<float>& taps : loss.taps) {
    gaussian_blur(loss.shape, taps, loss.border, difference.data(), blurred.data());
    sum += sum_penalties(blurred.data(), blurred.data());
    if (gradient == nullptr) continue;
    gaussian_blur(loss.shape, taps, loss.border, blurred.data(), back.data());
    launch(grid, add, count, back.data(), gradient);
  }
  return scale * sum;
}

}  // namespace tinct::gpu
