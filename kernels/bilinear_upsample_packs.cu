// Bilinear resizing, rung 2: a thread owns 16 bytes of channels of one pixel.
//
// The loads of rung 1 as float4: a quarter of the requests, 512 bytes each, and positions are found
// once for four numbers, without a division by an unknown number. Rows of blocks are rows of the
// picture, so what concerns the row is the same for a whole block. Each output still reads its four
// neighbours, each input its 16 readers: the third rung's subject.
#include "kernels/bilinear_device.h"

namespace tinct::gpu {
namespace {

template <int kWidth>
__global__ void forward(ResizeAxis rows, ResizeAxis columns, Divisor packs, unsigned lines,
                        const float* x, float* y) {
  const auto [ox, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ox >= columns.out) return;
  const ResizeTap across = tap(columns, ox);
  for (unsigned line = blockIdx.y; line < lines; line += gridDim.y) {
    const ResizeTap down = tap(rows, line % rows.out);
    const float* image = x + std::size_t{line / rows.out} * rows.in * columns.in * pixel + channel;
    const auto at = [=](unsigned iy, unsigned ix) {
      return load<kWidth>(image + (std::size_t{iy} * columns.in + ix) * pixel);
    };
    const auto top =
        lerp(at(down.first, across.first), at(down.first, across.second), across.weight);
    const auto bottom =
        lerp(at(down.second, across.first), at(down.second, across.second), across.weight);
    store(y + (std::size_t{line} * columns.out + ox) * pixel + channel,
          lerp(top, bottom, down.weight));
  }
}

template <int kWidth>
__global__ void backward(ResizeAxis rows, ResizeAxis columns, Divisor packs, unsigned lines,
                         const float* dy, float* dx) {
  const auto [ix, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ix >= columns.in) return;
  const ResizeSpan across = readers(columns, ix);
  for (unsigned line = blockIdx.y; line < lines; line += gridDim.y) {
    const unsigned iy = line % rows.in;
    const ResizeSpan down = readers(rows, iy);
    const float* image =
        dy + std::size_t{line / rows.in} * rows.out * columns.out * pixel + channel;
    Pack<kWidth> sum{};
    for (unsigned oy = down.begin; oy < down.end; ++oy) {
      const float share = share_of(rows, oy, iy);
      for (unsigned ox = across.begin; ox < across.end; ++ox) {
        add_scaled(sum, share * share_of(columns, ox, ix),
                   load<kWidth>(image + (std::size_t{oy} * columns.out + ox) * pixel));
      }
    }
    store(dx + (std::size_t{line} * columns.in + ix) * pixel + channel, sum);
  }
}

}  // namespace

void bilinear_upsample_packs(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                             const float* x, float* y) {
  if (s.n * s.c == 0) return;
  const ResizeAxis rows = resize_axis("bilinear_upsample", s.h, oh, align);
  const ResizeAxis columns = resize_axis("bilinear_upsample", s.w, ow, align);
  const unsigned lines = small_index("bilinear_upsample", s.n * oh);
  with_width<float>(s.c, [&]<int kWidth>() {
    const Divisor packs(small_index("bilinear_upsample", ow * s.c) / columns.out / kWidth);
    launch(over_rows(lines, ow * packs.value()), forward<kWidth>, rows, columns, packs, lines, x,
           y);
  });
}

void bilinear_upsample_backward_packs(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                      const float* dy, float* dx) {
  if (s.n * s.c == 0) return;
  const ResizeAxis rows = resize_axis("bilinear_upsample_backward", s.h, oh, align);
  const ResizeAxis columns = resize_axis("bilinear_upsample_backward", s.w, ow, align);
  const unsigned lines = small_index("bilinear_upsample_backward", s.n * s.h);
  with_width<float>(s.c, [&]<int kWidth>() {
    const Divisor packs(small_index("bilinear_upsample_backward", s.w * s.c) / columns.in / kWidth);
    launch(over_rows(lines, s.w * packs.value()), backward<kWidth>, rows, columns, packs, lines, dy,
           dx);
  });
}

}  // namespace tinct::gpu
