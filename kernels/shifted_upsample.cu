// The sum of upsampled and shifted products on the GPU.
//
// Bound by the caches: forward reads 4 kernel^2 packs of g for each of y, neighbours the same ones;
// device memory sees g once and y twice. Backward reads dy once for each pixel of dg in reach and
// writes dg.
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
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned ox = s.packs.divide(i), channel = (i - ox * s.packs.value()) * kWidth;
  if (ox >= s.columns.out) return;
  const unsigned kernel = s.kernel.value(), half = kernel / 2;
  const std::size_t product = s.packs.value() * kWidth, pixel = s.taps.value() * product;
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
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned tap_of_row = s.packs.divide(i);
  const unsigned channel = (i - tap_of_row * s.packs.value()) * kWidth;
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
    store(dg +
              ((std::size_t{iy} * s.columns.in + ix) * s.taps.value() + t) * s.packs.value() *
                  kWidth +
              channel,
          sum);
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
    launch(over_rows(shape.oh, shape.ow * s.packs.value()), forward<kWidth>, s, g, y);
  });
}

void shifted_upsample_backward(const ShiftedUpsample& shape, const float* dy, float* dg) {
  with_sum("shifted_upsample_backward", shape, dg, dy, [&]<int kWidth>(const Sum& s) {
    launch(over_rows(shape.h, shape.w * s.taps.value() * s.packs.value()), backward<kWidth>, s, dy,
           dg);
  });
}

}  // namespace tinct::gpu
