// Max pooling on the GPU. Bound by memory: x is read once where windows do not overlap, y and a
// byte an output are written; backward reads those and writes dx.
#include "kernels/max_pool.h"

#include "kernels/pool_device.h"

namespace tinct::gpu {
namespace {

template <int kWidth>
struct Positions {
  unsigned v[kWidth];
};

template <int kWidth>
__device__ __forceinline__ void store_bytes(std::uint8_t* p, const Positions<kWidth>& a) {
  const auto four = [&](int k) {
    return a.v[k] | a.v[k + 1] << 8 | a.v[k + 2] << 16 | a.v[k + 3] << 24;
  };
  if constexpr (kWidth == 1) *p = static_cast<std::uint8_t>(a.v[0]);
  if constexpr (kWidth == 4) *reinterpret_cast<unsigned*>(p) = four(0);
  if constexpr (kWidth == 8) *reinterpret_cast<uint2*>(p) = make_uint2(four(0), four(4));
}

template <int kWidth>
__device__ __forceinline__ Positions<kWidth> load_bytes(const std::uint8_t* p) {
  Positions<kWidth> a;
  const auto four = [&](unsigned word, int k) {
    for (int i = 0; i < 4; ++i) a.v[k + i] = word >> (8 * i) & 0xFF;
  };
  if constexpr (kWidth == 1) a.v[0] = *p;
  if constexpr (kWidth == 4) four(*reinterpret_cast<const unsigned*>(p), 0);
  if constexpr (kWidth == 8) {
    const uint2 words = *reinterpret_cast<const uint2*>(p);
    four(words.x, 0);
    four(words.y, 4);
  }
  return a;
}

// The largest so far, and where it was: kMaxPoolWindow before the first.
template <int kWidth>
struct Best {
  Pack<kWidth> value;
  Positions<kWidth> at;

  __device__ __forceinline__ void see(const Pack<kWidth>& x, unsigned position) {
    for (int k = 0; k < kWidth; ++k) {
      const float v = x.v[k];
      if (at.v[k] == kMaxPoolWindow || v > value.v[k] || v != v) {
        value.v[k] = v;
        at.v[k] = position;
      }
    }
  }
};

// A thread owns a pack of channels of one output. kHalves: windows are 2 x 2, 2 apart and inside
// the input, so all loads are under way at once.
template <int kWidth, bool kHalves, class T>
__global__ void forward(Pool p, const T* x, T* y, std::uint8_t* which) {
  const auto [ox, channel, pixel] = pack_of_row<kWidth>(p.packs);
  if (ox >= p.ow) return;
  for (unsigned row = blockIdx.y; row < p.rows_out; row += gridDim.y) {
    const unsigned oy = row % p.oh;
    const T* from = x + std::size_t{row / p.oh} * p.h * p.w * pixel + channel;
    Best<kWidth> best{};
    for (int k = 0; k < kWidth; ++k) best.at.v[k] = kMaxPoolWindow;
    if constexpr (kHalves) {
      const T* top = from + (std::size_t{2 * oy} * p.w + 2 * ox) * pixel;
      const T* bottom = top + p.w * pixel;
      const auto a = load<kWidth>(top), b = load<kWidth>(top + pixel);
      const auto c = load<kWidth>(bottom), d = load<kWidth>(bottom + pixel);
      best.see(a, 0);
      best.see(b, 1);
      best.see(c, 2);
      best.see(d, 3);
    } else {
      const Span rows = window_span(oy, p.h, p.kh, p.stride_h, p.pad_top);
      const Span columns = window_span(ox, p.w, p.kw, p.stride_w.value(), p.pad_left);
      for (unsigned iy = rows.begin; iy < rows.end; ++iy) {
        for (unsigned ix = columns.begin; ix < columns.end; ++ix) {
          best.see(load<kWidth>(from + (std::size_t{iy} * p.w + ix) * pixel),
                   (iy + p.pad_top - oy * p.stride_h) * p.kw + ix + p.pad_left -
                       ox * p.stride_w.value());
        }
      }
    }
    const std::size_t to = (std::size_t{row} * p.ow + ox) * pixel + channel;
    store(y + to, best.value);
    if (which != nullptr) store_bytes(which + to, best.at);
  }
}

// A thread owns a pack of channels of one input and asks the windows that hold it.
template <int kWidth, class T>
__global__ void backward(Pool p, const std::uint8_t* which, const T* dy, T* dx) {
  const auto [ix, channel, pixel] = pack_of_row<kWidth>(p.packs);
  if (ix >= p.w) return;
  const Span columns = windows_of_column(p, ix);
  for (unsigned row = blockIdx.y; row < p.rows_in; row += gridDim.y) {
    const unsigned iy = row % p.h;
    const Span rows = windows_of_row(p, iy);
    const std::size_t image = std::size_t{row / p.h} * p.oh;
    Pack<kWidth> sum{};
    for (unsigned oy = rows.begin; oy < rows.end; ++oy) {
      for (unsigned ox = columns.begin; ox < columns.end; ++ox) {
        const unsigned position =
            (iy + p.pad_top - oy * p.stride_h) * p.kw + ix + p.pad_left - ox * p.stride_w.value();
        const std::size_t from = ((image + oy) * p.ow + ox) * pixel + channel;
        const Positions<kWidth> chosen = load_bytes<kWidth>(which + from);
        const Pack<kWidth> g = load<kWidth>(dy + from);
        for (int k = 0; k < kWidth; ++k) sum.v[k] += chosen.v[k] == position ? g.v[k] : 0;
      }
    }
    store(dx + (std::size_t{row} * p.w + ix) * pixel + channel, sum);
  }
}

template <class T>
void run(const PoolShape& s, const T* x, T* y, std::uint8_t* which) {
  const PoolWindow& w = s.window;
  const bool halves = w.kh == 2 && w.kw == 2 && w.stride_h == 2 && w.stride_w == 2 &&
                      w.pad_top == 0 && w.pad_left == 0 && 2 * s.oh() <= s.x.h &&
                      2 * s.ow() <= s.x.w;
  with_width<T>(s.x.c, [&]<int kWidth>() {
    const Pool p = pool("max_pool", s, kWidth);
    const Launch grid = over_rows(p.rows_out, std::size_t{p.ow} * p.packs.value());
    launch(grid, halves ? forward<kWidth, true, T> : forward<kWidth, false, T>, p, x, y, which);
  });
}

template <class T>
void run_backward(const PoolShape& s, const std::uint8_t* which, const T* dy, T* dx) {
  with_width<T>(s.x.c, [&]<int kWidth>() {
    const Pool p = pool("max_pool_backward", s, kWidth);
    const Launch grid = over_rows(p.rows_in, std::size_t{p.w} * p.packs.value());
    launch(grid, backward<kWidth, T>, p, which, dy, dx);
  });
}

}  // namespace

void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which) {
  run(s, x, y, which);
}
void max_pool(const PoolShape& s, const bf16* x, bf16* y, std::uint8_t* which) {
  run(s, x, y, which);
}

void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx) {
  run_backward(s, which, dy, dx);
}
void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const bf16* dy, bf16* dx) {
  run_backward(s, which, dy, dx);
}

}  // namespace tinct::gpu
