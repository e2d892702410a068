// Average pooling on the GPU. Bound by memory: reads x and writes y, backward reads dy and writes
// dx.
#include "kernels/average_pool.h"

#include "kernels/pool_device.h"

namespace tinct::gpu {
namespace {

// Where the elements end that a window's divisor counts, in the padded axes; 0 when it counts those
// inside the input.
struct Counted {
  unsigned rows, columns;
};

__device__ inline unsigned divisor(unsigned counted, unsigned o, unsigned stride, unsigned kernel,
                                   Span inside) {
  return counted == 0 ? inside.end - inside.begin : min(kernel, counted - o * stride);
}

// A thread owns a pack of channels of one output.
template <int kWidth, class T>
__global__ void forward(Pool p, Counted counted, const T* x, T* y) {
  const auto [ox, channel, pixel] = pack_of_row<kWidth>(p.packs);
  if (ox >= p.ow) return;
  const Span columns = window_span(ox, p.w, p.kw, p.stride_w.value(), p.pad_left);
  const unsigned across = divisor(counted.columns, ox, p.stride_w.value(), p.kw, columns);
  for (unsigned row = blockIdx.y; row < p.rows_out; row += gridDim.y) {
    const unsigned oy = row % p.oh;
    const Span rows = window_span(oy, p.h, p.kh, p.stride_h, p.pad_top);
    const unsigned down = divisor(counted.rows, oy, p.stride_h, p.kh, rows);
    const T* from = x + std::size_t{row / p.oh} * p.h * p.w * pixel + channel;
    Pack<kWidth> sum{};
    for (unsigned iy = rows.begin; iy < rows.end; ++iy) {
      for (unsigned ix = columns.begin; ix < columns.end; ++ix) {
        const Pack<kWidth> v = load<kWidth>(from + (std::size_t{iy} * p.w + ix) * pixel);
        for (int k = 0; k < kWidth; ++k) sum.v[k] += v.v[k];
      }
    }
    const float share = 1 / static_cast<float>(across * down);
    for (int k = 0; k < kWidth; ++k) sum.v[k] *= share;
    store(y + (std::size_t{row} * p.ow + ox) * pixel + channel, sum);
  }
}

// A thread owns a pack of channels of one input and gathers from the windows that hold it.
template <int kWidth, class T>
__global__ void backward(Pool p, Counted counted, const T* dy, T* dx) {
  const auto [ix, channel, pixel] = pack_of_row<kWidth>(p.packs);
  if (ix >= p.w) return;
  const Span columns = windows_of_column(p, ix);
  for (unsigned row = blockIdx.y; row < p.rows_in; row += gridDim.y) {
    const Span rows = windows_of_row(p, row % p.h);
    const std::size_t image = std::size_t{row / p.h} * p.oh;
    Pack<kWidth> sum{};
    for (unsigned oy = rows.begin; oy < rows.end; ++oy) {
      const unsigned down = divisor(counted.rows, oy, p.stride_h, p.kh,
                                    window_span(oy, p.h, p.kh, p.stride_h, p.pad_top));
      for (unsigned ox = columns.begin; ox < columns.end; ++ox) {
        const unsigned across = divisor(counted.columns, ox, p.stride_w.value(), p.kw,
                                        window_span(ox, p.w, p.kw, p.stride_w.value(), p.pad_left));
        const float share = 1 / static_cast<float>(across * down);
        const Pack<kWidth> g = load<kWidth>(dy + ((image + oy) * p.ow + ox) * pixel + channel);
        for (int k = 0; k < kWidth; ++k) sum.v[k] += share * g.v[k];
      }
    }
    store(dx + (std::size_t{row} * p.w + ix) * pixel + channel, sum);
  }
}

Counted counted(const PoolShape& s, bool count_include_pad) {
  if (!count_include_pad) return {0, 0};
  const PoolWindow& p = s.window;
  return {static_cast<unsigned>(s.x.h + p.pad_top + p.pad_bottom),
          static_cast<unsigned>(s.x.w + p.pad_left + p.pad_right)};
}

template <class T>
void run(const PoolShape& s, bool count_include_pad, const T* x, T* y) {
  with_width<T>(s.x.c, [&]<int kWidth>() {
    const Pool p = pool("average_pool", s, kWidth);
    launch(over_rows(p.rows_out, std::size_t{p.ow} * p.packs.value()), forward<kWidth, T>, p,
           counted(s, count_include_pad), x, y);
  });
}

template <class T>
void run_backward(const PoolShape& s, bool count_include_pad, const T* dy, T* dx) {
  with_width<T>(s.x.c, [&]<int kWidth>() {
    const Pool p = pool("average_pool_backward", s, kWidth);
    launch(over_rows(p.rows_in, std::size_t{p.w} * p.packs.value()), backward<kWidth, T>, p,
           counted(s, count_include_pad), dy, dx);
  });
}

}  // namespace

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y) {
  run(s, count_include_pad, x, y);
}
void average_pool(const PoolShape& s, bool count_include_pad, const bf16* x, bf16* y) {
  run(s, count_include_pad, x, y);
}

void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx) {
  run_backward(s, count_include_pad, dy, dx);
}
void average_pool_backward(const PoolShape& s, bool count_include_pad, const bf16* dy, bf16* dx) {
  run_backward(s, count_include_pad, dy, dx);
}

}  // namespace tinct::gpu
