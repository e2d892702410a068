// The sum of upsampled and shifted products on the GPU.
//
// Bound by the caches: y and dy are large, g and dg small, and what is read again and again lies in
// the first cache. For kernels of 1 and 3 forward walks down the rows of y and sums along a small
// row once: 18 (8/s + 2) packs for 8 of y with a map s times smaller, where reading each tap's four
// neighbours takes 288; backward sums along a row of dy once for the three taps above each other.
#include "kernels/shifted_upsample.h"

#include "kernels/bilinear_device.h"

namespace tinct::gpu {
namespace {

struct Sum {
  ResizeAxis rows, columns;
  Divisor kernel, taps;  // taps = kernel^2
  Divisor packs;         // of c
  std::size_t y_pixel;
};

// A thread owns a pack of channels of one pixel of y.
template <int kWidth>
__global__ void forward(Sum s, const float* g, float* y) {
  const auto [ox, channel, product] = pack_of_row<kWidth>(s.packs);
  if (ox >= s.columns.out) return;
  const unsigned kernel = s.kernel.value(), half = kernel / 2;
  const std::size_t pixel = s.taps.value() * product;
  for (unsigned oy = blockIdx.y; oy < s.rows.out; oy += gridDim.y) {
    Pack<kWidth> sum{};
    for (unsigned t = 0; t < s.taps.value(); ++t) {
      // Beyond the first row or column these wrap to more than the last.
      const unsigned ky = s.kernel.divide(t);
      const unsigned qy = oy + ky - half, qx = ox + t - ky * kernel - half;
      if (qy >= s.rows.out || qx >= s.columns.out) continue;
      const ResizeTap down = tap(s.rows, qy), across = tap(s.columns, qx);
      const float* from = g + t * product + channel;
      const auto at = [&](unsigned iy, unsigned ix) {
        return load<kWidth>(from + (std::size_t{iy} * s.columns.in + ix) * pixel);
      };
      const auto top =
          lerp(at(down.first, across.first), at(down.first, across.second), across.weight);
      const auto bottom =
          lerp(at(down.second, across.first), at(down.second, across.second), across.weight);
      add_scaled(sum, 1, lerp(top, bottom, down.weight));
    }
    float* to = y + (std::size_t{oy} * s.columns.out + ox) * s.y_pixel + channel;
    add_scaled(sum, 1, load<kWidth>(to));
    store(to, sum);
  }
}

// A thread owns a pack of channels of one tap of one pixel of dg.
template <int kWidth>
__global__ void backward(Sum s, const float* dy, float* dg) {
  const auto [tap_of_row, channel, product] = pack_of_row<kWidth>(s.packs);
  const unsigned ix = s.taps.divide(tap_of_row), t = tap_of_row - ix * s.taps.value();
  if (ix >= s.columns.in) return;
  const unsigned ky = s.kernel.divide(t), kx = t - ky * s.kernel.value();
  const unsigned half = s.kernel.value() / 2;
  const ResizeSpan across = readers(s.columns, ix);
  for (unsigned iy = blockIdx.y; iy < s.rows.in; iy += gridDim.y) {
    const ResizeSpan down = readers(s.rows, iy);
    Pack<kWidth> sum{};
    for (unsigned qy = down.begin; qy < down.end; ++qy) {
      const unsigned oy = qy - ky + half;  // wraps to more than the last
      if (oy >= s.rows.out) continue;
      const float share = share_of(s.rows, qy, iy);
      for (unsigned qx = across.begin; qx < across.end; ++qx) {
        const unsigned ox = qx - kx + half;
        if (ox >= s.columns.out) continue;
        add_scaled(sum, share * share_of(s.columns, qx, ix),
                   load<kWidth>(dy + (std::size_t{oy} * s.columns.out + ox) * s.y_pixel + channel));
      }
    }
    store(dg + ((std::size_t{iy} * s.columns.in + ix) * s.taps.value() + t) * product + channel,
          sum);
  }
}

// Rows of y that one pass of a thread makes.
constexpr unsigned kRows = 8;

// A thread owns a pack of channels of one column of y, in runs of kRows rows. For each row of taps
// it keeps two small rows, the taps beside each other already added up.
template <int kWidth, int kKernel>
__global__ void forward_walk(Sum s, const float* g, float* y) {
  const auto [ox, channel, product] = pack_of_row<kWidth>(s.packs);
  if (ox >= s.columns.out) return;
  constexpr unsigned kHalf = kKernel / 2;
  const std::size_t pixel = kKernel * kKernel * product;
  ResizeTap across[kKernel];
  for (unsigned kx = 0; kx < kKernel; ++kx) {
    const unsigned qx = ox + kx - kHalf;  // wraps to more than the last
    across[kx] = tap(s.columns, min(qx, s.columns.out - 1));
    if (qx >= s.columns.out) across[kx].first = s.columns.in;  // outside
  }
  const unsigned begin = blockIdx.y * kRows, end = min(begin + kRows, s.rows.out);
  RowPair<kWidth> pairs[kKernel];
  for (unsigned oy = begin; oy < end; ++oy) {
    float* to = y + (std::size_t{oy} * s.columns.out + ox) * s.y_pixel + channel;
    Pack<kWidth> sum = load<kWidth>(to);
    for (unsigned ky = 0; ky < kKernel; ++ky) {
      const unsigned qy = oy + ky - kHalf;
      if (qy >= s.rows.out) continue;
      const auto row = [&](unsigned iy) {
        Pack<kWidth> taps{};
        for (unsigned kx = 0; kx < kKernel; ++kx) {
          const ResizeTap& t = across[kx];
          if (t.first >= s.columns.in) continue;
          const float* from =
              g + std::size_t{iy} * s.columns.in * pixel + (ky * kKernel + kx) * product + channel;
          add_scaled(taps, 1,
                     lerp(load<kWidth>(from + t.first * pixel),
                          load<kWidth>(from + t.second * pixel), t.weight));
        }
        return taps;
      };
      add_scaled(sum, 1, pairs[ky].at(tap(s.rows, qy), row));
    }
    store(to, sum);
  }
}

// A thread owns a pack of channels of the taps above each other in one column of the kernel, of one
// pixel of dg.
template <int kWidth, int kKernel>
__global__ void backward_columns(Sum s, const float* dy, float* dg) {
  const auto [column, channel, product] = pack_of_row<kWidth>(s.packs);
  const unsigned ix = column / kKernel, kx = column % kKernel;
  if (ix >= s.columns.in) return;
  constexpr unsigned kHalf = kKernel / 2;
  const ResizeSpan across = readers(s.columns, ix);
  for (unsigned iy = blockIdx.y; iy < s.rows.in; iy += gridDim.y) {
    const ResizeSpan down = readers(s.rows, iy);
    Pack<kWidth> sums[kKernel] = {};
    const unsigned begin = down.begin > kHalf ? down.begin - kHalf : 0;
    for (unsigned oy = begin; oy < min(down.end + kHalf, s.rows.out); ++oy) {
      Pack<kWidth> row{};
      for (unsigned qx = across.begin; qx < across.end; ++qx) {
        const unsigned ox = qx - kx + kHalf;  // wraps to more than the last
        if (ox >= s.columns.out) continue;
        add_scaled(row, share_of(s.columns, qx, ix),
                   load<kWidth>(dy + (std::size_t{oy} * s.columns.out + ox) * s.y_pixel + channel));
      }
      for (unsigned ky = 0; ky < kKernel; ++ky) {
        const unsigned qy = oy + ky - kHalf;
        if (qy < s.rows.out) add_scaled(sums[ky], share_of(s.rows, qy, iy), row);
      }
    }
    float* to = dg + ((std::size_t{iy} * s.columns.in + ix) * kKernel * kKernel + kx) * product;
    for (unsigned ky = 0; ky < kKernel; ++ky) {
      store(to + ky * kKernel * product + channel, sums[ky]);
    }
  }
}

// Calls f<width>(sum), as wide as the extents and the addresses allow.
template <class F>
void with_sum(const char* operation, const ShiftedUpsample& s, const void* g, const void* y,
              F&& f) {
  const auto addresses = reinterpret_cast<std::uintptr_t>(g) | reinterpret_cast<std::uintptr_t>(y);
  const bool wide = s.c % 4 == 0 && s.y_pixel % 4 == 0 && addresses % 16 == 0;
  with_width<float>(wide ? 0 : 1, [&]<int kWidth>() {
    const unsigned taps = small_index(operation, s.kernel * s.kernel);
    small_index(operation, s.w * taps * s.c);
    small_index(operation, s.ow * s.c);
    f.template operator()<kWidth>(Sum{resize_axis(operation, s.h, s.oh, s.align),
                                      resize_axis(operation, s.w, s.ow, s.align),
                                      Divisor(static_cast<unsigned>(s.kernel)), Divisor(taps),
                                      Divisor(static_cast<unsigned>(s.c) / kWidth), s.y_pixel});
  });
}

}  // namespace

void add_shifted_upsample(const ShiftedUpsample& shape, const float* g, float* y) {
  with_sum("add_shifted_upsample", shape, g, y, [&]<int kWidth>(const Sum& s) {
    const std::size_t packs = shape.ow * s.packs.value();
    if (shape.kernel > 3) return launch(over_rows(shape.oh, packs), forward<kWidth>, s, g, y);
    launch(over_rows(ceil_div<std::size_t>(shape.oh, kRows), packs),
           shape.kernel == 1 ? forward_walk<kWidth, 1> : forward_walk<kWidth, 3>, s, g, y);
  });
}

void shifted_upsample_backward(const ShiftedUpsample& shape, const float* dy, float* dg) {
  with_sum("shifted_upsample_backward", shape, dg, dy, [&]<int kWidth>(const Sum& s) {
    const std::size_t packs = shape.w * shape.kernel * s.packs.value();
    if (shape.kernel > 3) {
      return launch(over_rows(shape.h, packs * shape.kernel), backward<kWidth>, s, dy, dg);
    }
    launch(over_rows(shape.h, packs),
           shape.kernel == 1 ? backward_columns<kWidth, 1> : backward_columns<kWidth, 3>, s, dy,
           dg);
  });
}

}  // namespace tinct::gpu
