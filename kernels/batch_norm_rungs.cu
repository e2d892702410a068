// Batch statistics, the steps on the way to one read in whole sectors (kernels/batch_norm.cu).
// Bound by memory: `naive` by eight times the sectors it needs, twice; `two_pass` by reading x
// twice.
#include "core/simt/pack.h"
#include "kernels/batch_norm.h"
#include "kernels/batch_norm_device.h"
#include "kernels/reduce_device.h"

namespace tinct::gpu {
namespace {

using norm::Place;
using norm::Tiling;

// A block owns a channel: neighbouring threads are a row apart. `mean` null: the mean, else the
// mean square about it.
__global__ void block_a_channel(std::size_t rows, std::size_t c, const float* x, const float* mean,
                                float* to) {
  const float middle = mean != nullptr ? mean[blockIdx.x] : 0;
  double sum = 0;
  for (std::size_t row = threadIdx.x; row < rows; row += kSumThreads) {
    const float v = x[row * c + blockIdx.x] - middle;
    sum += mean != nullptr ? v * v : v;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) to[blockIdx.x] = static_cast<float>(sum / static_cast<double>(rows));
}

struct Add {
  template <int kCount>
  __device__ void operator()(float (&a)[kCount], const float (&b)[kCount]) const {
    for (int i = 0; i < kCount; ++i) a[i] += b[i];
  }
};

// The same, rows in whole sectors: a block leaves the sums of its slab in partials (slabs, c).
template <int kWidth>
__global__ void slab_sums(Tiling t, const float* x, const float* mean, float* partials) {
  const Place p = norm::place_in<kWidth>(t);
  float sum[kWidth] = {};
  if (p.active) {
    Pack<kWidth> middle{};
    if (mean != nullptr) middle = load<kWidth>(mean + p.channel);
    for (std::size_t row = p.row; row < p.end; row += t.height) {
      const Pack<kWidth> a = load<kWidth>(x + row * t.c + p.channel);
      for (int i = 0; i < kWidth; ++i) {
        const float v = a.v[i] - middle.v[i];
        sum[i] += mean != nullptr ? v * v : v;
      }
    }
  }
  norm::reduce_rows(t, p.y, sum, Add{});
  if (!p.active || p.y != 0) return;
  Pack<kWidth> all;
  for (int i = 0; i < kWidth; ++i) all.v[i] = sum[i];
  store(partials + blockIdx.x * t.c + p.channel, all);
}

__global__ void finish_mean(Tiling t, const float* partials, float* to) {
  const std::size_t j = blockIdx.x * norm::kColumns + threadIdx.x % norm::kColumns;
  double sum = 0;
  if (j < t.c) {
    for (std::size_t s = threadIdx.x / norm::kColumns; s < t.slabs; s += norm::kDepth) {
      sum += partials[s * t.c + j];
    }
  }
  sum = norm::column_sum<0>(sum);
  if (j < t.c && threadIdx.x < norm::kColumns) {
    to[j] = static_cast<float>(sum / static_cast<double>(t.rows));
  }
}

template <int kWidth>
void two_passes(std::size_t rows, std::size_t c, const float* x, float* mean, float* variance) {
  const Tiling t = norm::tile(rows, c, kWidth, 16, 132 * 8);
  const Launch columns{dim3(static_cast<unsigned>(ceil_div<std::size_t>(c, norm::kColumns))),
                       dim3(norm::kColumns * norm::kDepth)};
  device::Array<float> partials(t.slabs * c);
  const float* middle = nullptr;
  for (float* const to : {mean, variance}) {
    launch({t.grid(), dim3(norm::kThreads)}, slab_sums<kWidth>, t, x, middle, partials.data());
    launch(columns, finish_mean, t, partials.data(), to);
    middle = mean;
  }
}

}  // namespace

void batch_norm_statistics_naive(std::size_t rows, std::size_t c, const float* x, float* mean,
                                 float* variance) {
  const Launch grid{dim3(static_cast<unsigned>(c)), dim3(kSumThreads)};
  const float* const none = nullptr;
  launch(grid, block_a_channel, rows, c, x, none, mean);
  launch(grid, block_a_channel, rows, c, x, mean, variance);
}

void batch_norm_statistics_two_pass(std::size_t rows, std::size_t c, const float* x, float* mean,
                                    float* variance) {
  if (c % 4 == 0) {
    two_passes<4>(rows, c, x, mean, variance);
  } else {
    two_passes<1>(rows, c, x, mean, variance);
  }
}

}  // namespace tinct::gpu
