// Element-by-element losses on the GPU: value and gradient in one pass. Bound by memory: 12 bytes
// an element, and 4 a pixel where pixels are weighted.
#include "kernels/pixel_loss.h"

#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

struct Term {
  float value, slope;
};

struct L1 {
  __device__ Term operator()(float p, float t) const {
    const float u = p - t;
    return {fabsf(u), u > 0 ? 1.0f : u < 0 ? -1.0f : 0.0f};
  }
};

struct L2 {
  __device__ Term operator()(float p, float t) const {
    const float u = p - t;
    return {u * u, u + u};
  }
};

struct Huber {
  float delta;
  // With m = min(|u|, delta) both branches are m (|u| - m/2).
  __device__ Term operator()(float p, float t) const {
    const float u = p - t;
    const float m = fminf(fabsf(u), delta);
    return {m * (fabsf(u) - 0.5f * m), fmaxf(-delta, fminf(u, delta))};
  }
};

struct BceWithLogits {
  __device__ Term operator()(float p, float t) const {
    const float e = expf(-fabsf(p));  // never overflows
    return {fmaxf(p, 0.0f) - p * t + log1pf(e), (p >= 0 ? 1.0f : e) / (1.0f + e) - t};
  }
};

struct Arrays {
  const float *prediction, *target;
  const float* weight;  // or null
  float* gradient;      // or null
};

// A thread owns vectors of four, a grid apart; the last count % 4 elements go to one thread each. A
// block leaves its sum. Four floats add up to a double, which hides behind their 48 bytes.
template <class Penalty, class Index>
__global__ void loss_kernel(Penalty penalty, Index count, Index channels, float scale, Arrays a,
                            double* partials) {
  const Index vectors = count / 4, step = static_cast<Index>(item_step());
  double sum = 0;
  for (Index i = static_cast<Index>(first_item()); i < vectors; i += step) {
    const float4 p = reinterpret_cast<const float4*>(a.prediction)[i];
    const float4 t = reinterpret_cast<const float4*>(a.target)[i];
    float w[4] = {1, 1, 1, 1};
    if (a.weight != nullptr) {
      Index pixel = 4 * i / channels, rest = 4 * i - pixel * channels;
      for (int k = 0; k < 4; ++k) {
        w[k] = a.weight[pixel];
        if (++rest == channels) ++pixel, rest = 0;
      }
    }
    const Term x = penalty(p.x, t.x), y = penalty(p.y, t.y);
    const Term z = penalty(p.z, t.z), last = penalty(p.w, t.w);
    sum += w[0] * x.value + w[1] * y.value + (w[2] * z.value + w[3] * last.value);
    if (a.gradient != nullptr) {
      reinterpret_cast<float4*>(a.gradient)[i] =
          make_float4(scale * w[0] * x.slope, scale * w[1] * y.slope, scale * w[2] * z.slope,
                      scale * w[3] * last.slope);
    }
  }
  const Index i = 4 * vectors + static_cast<Index>(first_item());
  if (i < count) {
    const float w = a.weight != nullptr ? a.weight[i / channels] : 1.0f;
    const Term term = penalty(a.prediction[i], a.target[i]);
    sum += w * term.value;
    if (a.gradient != nullptr) a.gradient[i] = scale * w * term.slope;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

template <class Penalty>
double mean_loss(const PixelLoss& loss, const Penalty& penalty, const Arrays& arrays) {
  const std::size_t count = loss.pixels * loss.channels;
  const double scale = 1.0 / static_cast<double>(count);
  const Launch grid = over(ceil_div<std::size_t>(count, 4), kSumThreads);
  device::Array<double> partials(grid.grid.x);
  if (count < std::size_t{1} << 31) {  // 32-bit division is the cheaper
    launch(grid, loss_kernel<Penalty, unsigned>, penalty, static_cast<unsigned>(count),
           static_cast<unsigned>(loss.channels), static_cast<float>(scale), arrays,
           partials.data());
  } else {
    launch(grid, loss_kernel<Penalty, std::size_t>, penalty, count, loss.channels,
           static_cast<float>(scale), arrays, partials.data());
  }
  return scale * sum_of(partials.data(), grid.grid.x);
}

}  // namespace

double pixel_loss(const PixelLoss& loss, const float* prediction, const float* target,
                  const float* weight, float* gradient) {
  const Arrays arrays{prediction, target, weight, gradient};
  switch (loss.penalty) {
    case Penalty::l1:
      return mean_loss(loss, L1{}, arrays);
    case Penalty::l2:
      return mean_loss(loss, L2{}, arrays);
    case Penalty::huber:
      return mean_loss(loss, Huber{loss.delta}, arrays);
    case Penalty::bce_with_logits:
      break;
  }
  return mean_loss(loss, BceWithLogits{}, arrays);
}

}  // namespace tinct::gpu
