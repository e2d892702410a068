// Bilinear resizing, rung 3: a thread walks down a column, and mixes each row along it once.
//
// Of a picture doubled, a pass of 8 rows reads 12 packs forward where rung 2 reads 32; backward it
// reads 4 packs for each of 10 rows, which serve 4 inputs, where rung 2 reads 64. What is left is
// bound by memory: forward reads x and writes y, backward reads dy and writes dx, 20 bytes a number
// of x each way, half of that for bf16.
#include "kernels/bilinear_device.h"

namespace tinct::gpu {
namespace {

// Rows of the result that one pass of a thread makes.
constexpr unsigned kForwardRows = 8;
constexpr unsigned kBackwardRows = 4;

// A thread owns a pack of channels of one output column, in runs of kForwardRows rows of one
// picture; it keeps the two rows between which its output lies.
template <int kWidth, class T>
__global__ void forward(ResizeAxis rows, ResizeAxis columns, Divisor packs, unsigned images,
                        const T* x, T* y) {
  const auto [ox, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ox >= columns.out) return;
  const ResizeTap across = tap(columns, ox);
  const unsigned runs = ceil_div(rows.out, kForwardRows);
  for (unsigned run = blockIdx.y; run < images * runs; run += gridDim.y) {
    const std::size_t image = run / runs;
    const T* from = x + image * rows.in * columns.in * pixel + channel;
    const auto mixed = [=](unsigned iy) {
      const T* row = from + std::size_t{iy} * columns.in * pixel;
      return lerp(load<kWidth>(row + across.first * pixel),
                  load<kWidth>(row + across.second * pixel), across.weight);
    };
    const unsigned begin = run % runs * kForwardRows;
    RowPair<kWidth> pair;
    for (unsigned oy = begin; oy < min(begin + kForwardRows, rows.out); ++oy) {
      store(y + ((image * rows.out + oy) * columns.out + ox) * pixel + channel,
            pair.at(tap(rows, oy), mixed));
    }
  }
}

// What a row of dy gives column ix: its readers' shares, which do not change on the way down, are
// kept when there are at most kTaps of them, as there are for factors up to two.
template <int kTaps>
struct Readers {
  ResizeSpan span;
  float share[kTaps];

  __device__ __forceinline__ Readers(const ResizeAxis& axis, unsigned ix)
      : span(readers(axis, ix)) {
    for (int k = 0; k < kTaps; ++k) {
      share[k] = span.begin + k < span.end ? share_of(axis, span.begin + k, ix) : 0;
    }
  }

  template <int kWidth, class T>
  __device__ __forceinline__ Pack<kWidth> sum(const ResizeAxis& axis, unsigned ix,
                                              std::size_t pixel, const T* row) const {
    Pack<kWidth> total{};
    row += span.begin * pixel;
    for (int k = 0; k < kTaps; ++k) {
      if (span.begin + k < span.end) {
        add_scaled(total, share[k], load<kWidth>(row + k * pixel));
      }
    }
    for (unsigned ox = span.begin + kTaps; ox < span.end; ++ox) {
      add_scaled(total, share_of(axis, ox, ix), load<kWidth>(row + (ox - span.begin) * pixel));
    }
    return total;
  }
};

// A thread owns a pack of channels of one input column, in runs of kBackwardRows rows. Each row of
// dy is summed across once and given to the two rows of dx that it was made of; rows come in order,
// so two sums are under way at a time.
template <int kWidth, class T>
__global__ void backward(ResizeAxis rows, ResizeAxis columns, Divisor packs, unsigned images,
                         const T* dy, T* dx) {
  const auto [ix, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ix >= columns.in) return;
  const Readers<4> across(columns, ix);
  const unsigned runs = ceil_div(rows.in, kBackwardRows);
  for (unsigned run = blockIdx.y; run < images * runs; run += gridDim.y) {
    const std::size_t image = run / runs;
    const T* from = dy + image * rows.out * columns.out * pixel + channel;
    T* to = dx + (image * rows.in * columns.in + ix) * pixel + channel;
    unsigned iy = run % runs * kBackwardRows;
    const unsigned end = min(iy + kBackwardRows, rows.in);
    const unsigned last = readers(rows, end - 1).end;
    Pack<kWidth> sum{}, next{};  // of rows iy and iy + 1
    const auto finish_row = [&] {
      store(to + std::size_t{iy} * columns.in * pixel, sum);
      sum = next;
      next = Pack<kWidth>{};
      ++iy;
    };
    for (unsigned oy = readers(rows, iy).begin; oy < last; ++oy) {
      const ResizeTap down = tap(rows, oy);
      while (iy < down.first && iy < end) finish_row();
      if (iy == end) break;
      const Pack<kWidth> row = across.template sum<kWidth>(
          columns, ix, pixel, from + std::size_t{oy} * columns.out * pixel);
      add_scaled(sum, share_of(down, iy), row);
      add_scaled(next, down.second > iy ? down.weight : 0, row);
    }
    while (iy < end) finish_row();
  }
}

template <class T>
void run(const Shape& s, std::size_t oh, std::size_t ow, Align align, const T* x, T* y) {
  if (s.n * s.c == 0) return;
  const ResizeAxis rows = resize_axis("bilinear_upsample", s.h, oh, align);
  const ResizeAxis columns = resize_axis("bilinear_upsample", s.w, ow, align);
  small_index("bilinear_upsample", s.n * oh);
  small_index("bilinear_upsample", ow * s.c);
  const unsigned images = static_cast<unsigned>(s.n);
  with_width<T>(s.c, [&]<int kWidth>() {
    const Divisor packs(static_cast<unsigned>(s.c) / kWidth);
    launch(over_rows(images * ceil_div(rows.out, kForwardRows), ow * packs.value()),
           forward<kWidth, T>, rows, columns, packs, images, x, y);
  });
}

template <class T>
void run_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align, const T* dy, T* dx) {
  if (s.n * s.c == 0) return;
  const ResizeAxis rows = resize_axis("bilinear_upsample_backward", s.h, oh, align);
  const ResizeAxis columns = resize_axis("bilinear_upsample_backward", s.w, ow, align);
  small_index("bilinear_upsample_backward", s.n * s.h);
  small_index("bilinear_upsample_backward", s.w * s.c);
  const unsigned images = static_cast<unsigned>(s.n);
  with_width<T>(s.c, [&]<int kWidth>() {
    const Divisor packs(static_cast<unsigned>(s.c) / kWidth);
    launch(over_rows(images * ceil_div(rows.in, kBackwardRows), s.w * packs.value()),
           backward<kWidth, T>, rows, columns, packs, images, dy, dx);
  });
}

}  // namespace

void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y) {
  run(s, oh, ow, align, x, y);
}
void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const bf16* x,
                       bf16* y) {
  run(s, oh, ow, align, x, y);
}

void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx) {
  run_backward(s, oh, ow, align, dy, dx);
}
void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const bf16* dy, bf16* dx) {
  run_backward(s, oh, ow, align, dy, dx);
}

}  // namespace tinct::gpu
