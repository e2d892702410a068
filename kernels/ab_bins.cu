// Colour as classes on the GPU: soft encoding and annealed-mean decoding. Encoding is bound by
// arithmetic, 4 flops a bin and pixel; decoding by memory, 4 bytes a logit.
#include "kernels/ab_bins.h"

#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

constexpr unsigned kThreads = 256;

struct Neighbour {
  double distance;  // squared
  int bin;
};

__device__ double squared_distance(float2 p, float2 q) {
  const double a = static_cast<double>(p.x) - static_cast<double>(q.x);
  const double b = static_cast<double>(p.y) - static_cast<double>(q.y);
  return a * a + b * b;
}

// The nearest kMost bins in registers, nearest first. Floats rule out most bins, doubles decide;
// bins come in ascending order, so a strict comparison leaves ties to the lowest index.
template <int kMost>
__device__ void find_nearest(int q, const float2* bins, float2 ab, Neighbour (&nearest)[kMost]) {
  constexpr float kSlack = 1 + 1e-5f;
  for (int j = 0; j < kMost; ++j) nearest[j] = {INFINITY, 0};
  float limit = INFINITY;
  for (int bin = 0; bin < q; ++bin) {
    const float2 place = bins[bin];
    const float a = place.x - ab.x, b = place.y - ab.y;
    if (a * a + b * b > limit) continue;
    Neighbour next{squared_distance(ab, place), bin};
    bool placed = false;  // then the rest move down one, equals too
    for (int j = 0; j < kMost; ++j) {
      placed = placed || next.distance < nearest[j].distance;
      if (placed) {
        const Neighbour pushed = nearest[j];
        nearest[j] = next;
        next = pushed;
      }
    }
    limit = static_cast<float>(nearest[kMost - 1].distance) * kSlack;
  }
}

// The bins in shared memory, all threads of the block calling.
__device__ const float2* shared_bins(int q, const float* bins) {
  float2* const shared = dynamic_shared<float2>();
  for (int i = static_cast<int>(threadIdx.x); i < q; i += static_cast<int>(blockDim.x)) {
    shared[i] = reinterpret_cast<const float2*>(bins)[i];
  }
  __syncthreads();
  return shared;
}

// A thread owns a pixel; index and weight (pixels,kNearest) leave through shared memory, a block's
// pixels in whole sectors.
template <int kNearest>
__global__ void encode(int q, const float* bins, std::size_t pixels, const float* ab,
                       double falloff, float* index, float* weight) {
  __shared__ float found[kThreads * kNearest], share[kThreads * kNearest];
  const float2* const table = shared_bins(q, bins);
  for (std::size_t first = blockIdx.x * std::size_t{kThreads}; first < pixels;
       first += gridDim.x * std::size_t{kThreads}) {
    const unsigned here = static_cast<unsigned>(min(std::size_t{kThreads}, pixels - first));
    if (threadIdx.x < here) {
      Neighbour nearest[kNearest];
      find_nearest(q, table, reinterpret_cast<const float2*>(ab)[first + threadIdx.x], nearest);
      double density[kNearest], sum = 0;
      for (int j = 0; j < kNearest; ++j) {
        density[j] = exp((nearest[0].distance - nearest[j].distance) * falloff);
        sum += density[j];
      }
      for (int j = 0; j < kNearest; ++j) {
        found[threadIdx.x * kNearest + j] = static_cast<float>(nearest[j].bin);
        share[threadIdx.x * kNearest + j] = static_cast<float>(density[j] / sum);
      }
    }
    __syncthreads();
    for (unsigned e = threadIdx.x; e < here * kNearest; e += kThreads) {
      index[first * kNearest + e] = found[e];
      weight[first * kNearest + e] = share[e];
    }
    __syncthreads();
  }
}

// The same for any k, in k passes over the bins, each for the next nearest; weights are divided by
// their sum at the end.
__global__ void encode_many(int q, const float* bins, std::size_t pixels, const float* ab, int k,
                            double falloff, float* index, float* weight) {
  const float2* const table = shared_bins(q, bins);
  for (std::size_t i = first_item(); i < pixels; i += item_step()) {
    const float2 own = reinterpret_cast<const float2*>(ab)[i];
    float* const to = weight + i * static_cast<std::size_t>(k);
    Neighbour last{-1, -1};
    double first = 0, sum = 0;
    for (int j = 0; j < k; ++j) {
      Neighbour next{INFINITY, 0};
      for (int bin = 0; bin < q; ++bin) {
        const double distance = squared_distance(own, table[bin]);
        const bool later =
            distance > last.distance || (distance == last.distance && bin > last.bin);
        if (later && distance < next.distance) next = {distance, bin};
      }
      if (j == 0) first = next.distance;
      const double density = exp((first - next.distance) * falloff);
      sum += density;
      index[i * static_cast<std::size_t>(k) + j] = static_cast<float>(next.bin);
      to[j] = static_cast<float>(density);
      last = next;
    }
    for (int j = 0; j < k; ++j) to[j] = static_cast<float>(static_cast<double>(to[j]) / sum);
  }
}

// A warp owns a pixel. The second pass over its logits finds them in the first cache.
__global__ void decode(int q, const float* bins, std::size_t pixels, const float* logits,
                       float sharpness, float* ab) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::size_t warps = gridDim.x * std::size_t{kSumThreads / 32};
  for (std::size_t pixel = first_item() / 32; pixel < pixels; pixel += warps) {
    const std::size_t row = pixel * static_cast<std::size_t>(q);
    // From the first sector on, into which the row before may reach.
    const int begin = lane - static_cast<int>(row % 8);
    float largest = -INFINITY, sum = 0, a = 0, b = 0;
    for (int bin = begin; bin < q; bin += 32) {
      const float logit = logits[row + static_cast<std::size_t>(bin)];
      if (bin >= 0) largest = fmaxf(largest, logit);
    }
    largest = lane_max(largest);
    for (int bin = begin; bin < q; bin += 32) {
      const float logit = logits[row + static_cast<std::size_t>(bin)];
      if (bin < 0) continue;
      const float e = expf((logit - largest) * sharpness);
      const float2 place = reinterpret_cast<const float2*>(bins)[bin];
      sum += e;
      a += e * place.x;
      b += e * place.y;
    }
    sum = lane_sum(sum), a = lane_sum(a), b = lane_sum(b);
    if (lane == 0) reinterpret_cast<float2*>(ab)[pixel] = make_float2(a / sum, b / sum);
  }
}

}  // namespace

void soft_encode(std::size_t q, const float* bins, std::size_t pixels, const float* ab,
                 std::size_t k, double sigma, float* index, float* weight) {
  if (pixels == 0) return;
  Launch grid = over(pixels, kThreads);
  grid.shared_bytes = q * sizeof(float2);
  const int bin_count = static_cast<int>(q);
  const double falloff = 1 / (2 * sigma * sigma);
  const auto run = [&]<int kNearest>() {
    launch(grid, encode<kNearest>, bin_count, bins, pixels, ab, falloff, index, weight);
  };
  if (k == 1) return run.template operator()<1>();
  if (k == 5) return run.template operator()<5>();
  if (k == 10) return run.template operator()<10>();
  launch(grid, encode_many, bin_count, bins, pixels, ab, static_cast<int>(k), falloff, index,
         weight);
}

void annealed_mean(std::size_t q, const float* bins, std::size_t pixels, const float* logits,
                   float temperature, float* ab) {
  if (pixels == 0) return;
  launch(over(pixels * 32, kSumThreads), decode, static_cast<int>(q), bins, pixels, logits,
         1 / temperature, ab);
}

}  // namespace tinct::gpu
