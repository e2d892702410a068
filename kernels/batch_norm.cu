// Batch normalisation on the GPU. Bound by memory: bytes an element of f32 storage are 4 for the
// statistics, 8 forward, 8 and 12 backward; half of that for bf16. Sums are f32 in registers and
// trees, double over the slabs.
#include "kernels/batch_norm.h"

#include "core/simt/pack.h"
#include "kernels/activation_device.h"
#include "kernels/batch_norm_device.h"

namespace tinct::gpu {
namespace {

using norm::Place;
using norm::Tiling;

constexpr std::size_t kSumBlocks = 132 * 8, kMapBlocks = 132 * 32;
constexpr std::size_t kSumRows = 16, kMapRows = 4;

// A thread's rows: their count, mean and sum of squares about it, for each of kWidth channels.
// Combined as Chan, Golub and LeVeque (1979): nothing cancels.
template <int kWidth>
struct Moments {
  float v[2 * kWidth + 1] = {};  // means, squares, the count

  // Four rows at a time, so that there is one division for the four and they load together.
  __device__ void add(const Pack<kWidth>& p, const Pack<kWidth>& q, const Pack<kWidth>& r,
                      const Pack<kWidth>& s) {
    const float share = 4 / (v[2 * kWidth] + 4), cross = v[2 * kWidth] * share;
    for (int i = 0; i < kWidth; ++i) {
      const float mean = 0.25f * ((p.v[i] + q.v[i]) + (r.v[i] + s.v[i]));
      const float a = p.v[i] - mean, b = q.v[i] - mean, c = r.v[i] - mean, d = s.v[i] - mean;
      const float off = mean - v[i];
      v[kWidth + i] += (a * a + b * b) + (c * c + d * d) + off * off * cross;
      v[i] += off * share;
    }
    v[2 * kWidth] += 4;
  }

  __device__ void add(const Pack<kWidth>& x) {
    const float share = 1 / (v[2 * kWidth] + 1), cross = v[2 * kWidth] * share;
    for (int i = 0; i < kWidth; ++i) {
      const float off = x.v[i] - v[i];
      v[kWidth + i] += off * off * cross;
      v[i] += off * share;
    }
    v[2 * kWidth] += 1;
  }

  struct Merge {
    __device__ void operator()(float (&a)[2 * kWidth + 1], const float (&b)[2 * kWidth + 1]) const {
      const float n = a[2 * kWidth] + b[2 * kWidth];
      if (n == 0) return;
      const float share = b[2 * kWidth] / n, cross = a[2 * kWidth] * share;
      for (int i = 0; i < kWidth; ++i) {
        const float off = b[i] - a[i];
        a[kWidth + i] += b[kWidth + i] + off * off * cross;
        a[i] += off * share;
      }
      a[2 * kWidth] = n;
    }
  };
};

// means and squares (slabs, c): a block's channels over its slab.
template <int kWidth, class T>
__global__ void slab_moments(Tiling t, const T* x, float* means, float* squares) {
  const Place p = norm::place_in<kWidth>(t);
  Moments<kWidth> m;
  if (p.active) {
    const std::size_t step = t.height * t.c;
    const T* from = x + p.row * t.c + p.channel;
    std::size_t row = p.row;
    for (; row + 3 * t.height < p.end; row += 4 * t.height, from += 4 * step) {
      m.add(load<kWidth>(from), load<kWidth>(from + step), load<kWidth>(from + 2 * step),
            load<kWidth>(from + 3 * step));
    }
    for (; row < p.end; row += t.height, from += step) m.add(load<kWidth>(from));
  }
  norm::reduce_rows(t, p.y, m.v, typename Moments<kWidth>::Merge{});
  if (!p.active || p.y != 0) return;
  Pack<kWidth> mean, square;
  for (int i = 0; i < kWidth; ++i) mean.v[i] = m.v[i], square.v[i] = m.v[kWidth + i];
  store(means + blockIdx.x * t.c + p.channel, mean);
  store(squares + blockIdx.x * t.c + p.channel, square);
}

// Adds up the slabs about the mean of the first: a block owns kColumns channels.
__global__ void finish_moments(Tiling t, const float* means, const float* squares, float* mean,
                               float* variance) {
  const std::size_t j = blockIdx.x * norm::kColumns + threadIdx.x % norm::kColumns;
  const bool active = j < t.c;
  const double pivot = active ? means[j] : 0;
  double sum = 0, square = 0;
  if (active) {
    for (std::size_t s = threadIdx.x / norm::kColumns; s < t.slabs; s += norm::kDepth) {
      const double n = static_cast<double>(min(t.slab, t.rows - s * t.slab));
      const double off = means[s * t.c + j] - pivot;
      sum += n * off;
      square += n * off * off + squares[s * t.c + j];
    }
  }
  sum = norm::column_sum<0>(sum);
  square = norm::column_sum<1>(square);
  if (!active || threadIdx.x >= norm::kColumns) return;
  const double rows = static_cast<double>(t.rows), off = sum / rows;
  mean[j] = static_cast<float>(pivot + off);
  variance[j] = static_cast<float>(fmax(square / rows - off * off, 0.0));
}

// A channel's constants in registers.
template <int kWidth>
struct Constants {
  Pack<kWidth> mean, scale, beta;

  __device__ Constants(const BatchNormChannels& p, std::size_t channel)
      : mean(load<kWidth>(p.mean + channel)),
        scale(load<kWidth>(p.gamma + channel)),
        beta(load<kWidth>(p.beta + channel)) {
    const Pack<kWidth> variance = load<kWidth>(p.variance + channel);
    for (int i = 0; i < kWidth; ++i) scale.v[i] /= sqrtf(variance.v[i] + p.eps);
  }
  __device__ float normal(int i, float x) const { return (x - mean.v[i]) * scale.v[i] + beta.v[i]; }
};

template <int kWidth, class T>
__global__ void normalize(Tiling t, BatchNormChannels channels, float slope, const T* x, T* y) {
  const Place p = norm::place_in<kWidth>(t);
  if (!p.active) return;
  const Constants<kWidth> k(channels, p.channel);
  for (std::size_t row = p.row; row < p.end; row += t.height) {
    const std::size_t at = row * t.c + p.channel;
    Pack<kWidth> a = load<kWidth>(x + at);
    for (int i = 0; i < kWidth; ++i) a.v[i] = bend(k.normal(i, a.v[i]), slope);
    store(y + at, a);
  }
}

struct AddSums {
  template <int kCount>
  __device__ void operator()(float (&a)[kCount], const float (&b)[kCount]) const {
    for (int i = 0; i < kCount; ++i) a[i] += b[i];
  }
};

// sums (2, slabs, c): over a slab of g and of g (x - mean), g the gradient before the activation.
template <int kWidth, class T>
__global__ void slab_gradients(Tiling t, BatchNormChannels channels, float slope, const T* x,
                               const T* dy, float* sums) {
  const Place p = norm::place_in<kWidth>(t);
  float total[2 * kWidth] = {};  // of g, of g (x - mean)
  if (p.active) {
    const Constants<kWidth> k(channels, p.channel);
    for (std::size_t row = p.row; row < p.end; row += t.height) {
      const std::size_t at = row * t.c + p.channel;
      const Pack<kWidth> a = load<kWidth>(x + at), g = load<kWidth>(dy + at);
      for (int i = 0; i < kWidth; ++i) {
        const float gradient = k.normal(i, a.v[i]) <= 0 ? g.v[i] * slope : g.v[i];
        total[i] += gradient;
        total[kWidth + i] += gradient * (a.v[i] - k.mean.v[i]);
      }
    }
  }
  norm::reduce_rows(t, p.y, total, AddSums{});
  if (!p.active || p.y != 0) return;
  Pack<kWidth> of_g, of_gx;
  for (int i = 0; i < kWidth; ++i) of_g.v[i] = total[i], of_gx.v[i] = total[kWidth + i];
  store(sums + blockIdx.x * t.c + p.channel, of_g);
  store(sums + (std::size_t{t.slabs} + blockIdx.x) * t.c + p.channel, of_gx);
}

// dbeta and dgamma, and what input_gradient takes off g: offset and shrink (x - mean).
__global__ void finish_gradients(Tiling t, BatchNormChannels channels, double share,
                                 const float* sums, float* dgamma, float* dbeta, float* offset,
                                 float* shrink) {
  const std::size_t j = blockIdx.x * norm::kColumns + threadIdx.x % norm::kColumns;
  const bool active = j < t.c;
  double g = 0, gx = 0;
  if (active) {
    for (std::size_t s = threadIdx.x / norm::kColumns; s < t.slabs; s += norm::kDepth) {
      g += sums[s * t.c + j];
      gx += sums[(t.slabs + s) * t.c + j];
    }
  }
  g = norm::column_sum<0>(g);
  gx = norm::column_sum<1>(gx);
  if (!active || threadIdx.x >= norm::kColumns) return;
  const double inverse =
      1 / sqrt(static_cast<double>(channels.variance[j]) + static_cast<double>(channels.eps));
  dbeta[j] = static_cast<float>(g);
  dgamma[j] = static_cast<float>(gx * inverse);
  offset[j] = static_cast<float>(g * share);
  shrink[j] = static_cast<float>(gx * share * inverse * inverse);
}

// dx = scale (g - offset - (x - mean) shrink).
template <int kWidth, class T>
__global__ void input_gradient(Tiling t, BatchNormChannels channels, float slope, const T* x,
                               const T* dy, const float* offset, const float* shrink, T* dx) {
  const Place p = norm::place_in<kWidth>(t);
  if (!p.active) return;
  const Constants<kWidth> k(channels, p.channel);
  const Pack<kWidth> less = load<kWidth>(offset + p.channel);
  const Pack<kWidth> by = load<kWidth>(shrink + p.channel);
  for (std::size_t row = p.row; row < p.end; row += t.height) {
    const std::size_t at = row * t.c + p.channel;
    const Pack<kWidth> a = load<kWidth>(x + at);
    Pack<kWidth> g = load<kWidth>(dy + at);
    for (int i = 0; i < kWidth; ++i) {
      const float gradient = k.normal(i, a.v[i]) <= 0 ? g.v[i] * slope : g.v[i];
      g.v[i] = k.scale.v[i] * (gradient - less.v[i] - (a.v[i] - k.mean.v[i]) * by.v[i]);
    }
    store(dx + at, g);
  }
}

// run.operator()<kWidth>() with vectors of four where whole ones fill a row.
template <class F>
void with_vectors(std::size_t c, F&& run) {
  if (c % 4 == 0) {
    run.template operator()<4>();
  } else {
    run.template operator()<1>();
  }
}

Launch per_column(std::size_t c) {
  return {dim3(static_cast<unsigned>(ceil_div<std::size_t>(c, norm::kColumns))),
          dim3(norm::kColumns * norm::kDepth)};
}

template <class T>
void statistics(std::size_t rows, std::size_t c, const T* x, float* mean, float* variance) {
  with_vectors(c, [&]<int kWidth>() {
    const Tiling t = norm::tile(rows, c, kWidth, kSumRows, kSumBlocks);
    device::Array<float> parts(2 * t.slabs * c);
    float* const squares = parts.data() + t.slabs * c;
    launch({t.grid(), dim3(norm::kThreads)}, slab_moments<kWidth, T>, t, x, parts.data(), squares);
    launch(per_column(c), finish_moments, t, parts.data(), squares, mean, variance);
  });
}

template <class T>
void forward(std::size_t rows, std::size_t c, const BatchNormChannels& p, const T* x,
             Activation activation, T* y) {
  if (rows == 0) return;
  with_vectors(c, [&]<int kWidth>() {
    const Tiling t = norm::tile(rows, c, kWidth, kMapRows, kMapBlocks);
    launch({t.grid(), dim3(norm::kThreads)}, normalize<kWidth, T>, t, p, slope_of(activation), x,
           y);
  });
}

template <class T>
void backward(std::size_t rows, std::size_t c, const BatchNormChannels& p, const T* x, const T* dy,
              Activation activation, bool batch_statistics, T* dx, float* dgamma, float* dbeta) {
  const float slope = slope_of(activation);
  const double share = batch_statistics ? 1 / static_cast<double>(rows) : 0;
  with_vectors(c, [&]<int kWidth>() {
    const Tiling t = norm::tile(rows, c, kWidth, kSumRows, kSumBlocks);
    device::Array<float> scratch(2 * (t.slabs + 1) * c);
    float* const sums = scratch.data() + 2 * c;
    float* const offset = scratch.data();
    launch({t.grid(), dim3(norm::kThreads)}, slab_gradients<kWidth, T>, t, p, slope, x, dy, sums);
    launch(per_column(c), finish_gradients, t, p, share, sums, dgamma, dbeta, offset, offset + c);
    if (dx == nullptr) return;
    const Tiling map = norm::tile(rows, c, kWidth, kMapRows, kMapBlocks);
    launch({map.grid(), dim3(norm::kThreads)}, input_gradient<kWidth, T>, map, p, slope, x, dy,
           offset, offset + c, dx);
  });
}

}  // namespace

void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance) {
  statistics(rows, c, x, mean, variance);
}
void batch_norm_statistics(std::size_t rows, std::size_t c, const bf16* x, float* mean,
                           float* variance) {
  statistics(rows, c, x, mean, variance);
}

void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y) {
  forward(rows, c, p, x, activation, y);
}
void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const bf16* x,
                Activation activation, bf16* y) {
  forward(rows, c, p, x, activation, y);
}

void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out) {
  backward(rows, c, p, x, dy, activation, batch_statistics, out.dx, out.dgamma, out.dbeta);
}
void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p, const bf16* x,
                         const bf16* dy, Activation activation, bool batch_statistics, bf16* dx,
                         float* dgamma, float* dbeta) {
  backward(rows, c, p, x, dy, activation, batch_statistics, dx, dgamma, dbeta);
}

}  // namespace tinct::gpu
