// Nearest-neighbour resizing on the GPU. Bound by memory: forward reads x and writes y, backward
// reads dy and writes dx.
#include "kernels/nearest_upsample.h"

#include <numeric>

#include "core/simt/divide.h"
#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

// One axis: output o copies input floor(o in / out), the fraction in lowest terms.
struct NearestAxis {
  unsigned in, out;
  Divisor step, unit;  // in and out over their common factor

  __device__ unsigned source(unsigned o) const { return unit.divide(o * step.value()); }
  // The first output that copies input i or one behind it.
  __device__ unsigned first_copy(unsigned i) const {
    return step.divide(i * unit.value() + step.value() - 1);
  }
};

NearestAxis nearest_axis(const char* operation, std::size_t in, std::size_t out) {
  if (in == 0 || out == 0 || in > 32767 || out > 32767) {
    throw std::invalid_argument(std::string(operation) + ": " + std::to_string(in) + " to " +
                                std::to_string(out) + " pixels; the device takes 1 to 32767");
  }
  const unsigned i = static_cast<unsigned>(in), o = static_cast<unsigned>(out);
  const unsigned common = std::gcd(i, o);
  return {i, o, Divisor(i / common), Divisor(o / common)};
}

// A thread owns a pack of channels of one output.
template <int kWidth, class T>
__global__ void forward(NearestAxis rows, NearestAxis columns, Divisor packs, unsigned lines,
                        const T* x, T* y) {
  const auto [ox, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ox >= columns.out) return;
  const unsigned ix = columns.source(ox);
  for (unsigned line = blockIdx.y; line < lines; line += gridDim.y) {
    const std::size_t from = std::size_t{line / rows.out} * rows.in + rows.source(line % rows.out);
    store(y + (std::size_t{line} * columns.out + ox) * pixel + channel,
          load<kWidth>(x + (from * columns.in + ix) * pixel + channel));
  }
}

// A thread owns a pack of channels of one input and adds up its copies.
template <int kWidth, class T>
__global__ void backward(NearestAxis rows, NearestAxis columns, Divisor packs, unsigned lines,
                         const T* dy, T* dx) {
  const auto [ix, channel, pixel] = pack_of_row<kWidth>(packs);
  if (ix >= columns.in) return;
  const unsigned begin = columns.first_copy(ix), end = columns.first_copy(ix + 1);
  for (unsigned line = blockIdx.y; line < lines; line += gridDim.y) {
    const unsigned iy = line % rows.in;
    const std::size_t image = std::size_t{line / rows.in} * rows.out;
    Pack<kWidth> sum{};
    for (unsigned oy = rows.first_copy(iy); oy < rows.first_copy(iy + 1); ++oy) {
      const T* row = dy + (image + oy) * columns.out * pixel + channel;
      for (unsigned ox = begin; ox < end; ++ox) {
        const Pack<kWidth> g = load<kWidth>(row + ox * pixel);
        for (int k = 0; k < kWidth; ++k) sum.v[k] += g.v[k];
      }
    }
    store(dx + (std::size_t{line} * columns.in + ix) * pixel + channel, sum);
  }
}

template <class T>
void run(const Shape& s, std::size_t oh, std::size_t ow, const T* x, T* y) {
  if (s.n * s.c == 0) return;
  const NearestAxis rows = nearest_axis("nearest_upsample", s.h, oh);
  const NearestAxis columns = nearest_axis("nearest_upsample", s.w, ow);
  const unsigned lines = small_index("nearest_upsample", s.n * oh);
  small_index("nearest_upsample", ow * s.c);
  with_width<T>(s.c, [&]<int kWidth>() {
    const Divisor packs(static_cast<unsigned>(s.c) / kWidth);
    launch(over_rows(lines, ow * packs.value()), forward<kWidth, T>, rows, columns, packs, lines, x,
           y);
  });
}

template <class T>
void run_backward(const Shape& s, std::size_t oh, std::size_t ow, const T* dy, T* dx) {
  if (s.n * s.c == 0) return;
  const NearestAxis rows = nearest_axis("nearest_upsample_backward", s.h, oh);
  const NearestAxis columns = nearest_axis("nearest_upsample_backward", s.w, ow);
  const unsigned lines = small_index("nearest_upsample_backward", s.n * s.h);
  small_index("nearest_upsample_backward", s.w * s.c);
  with_width<T>(s.c, [&]<int kWidth>() {
    const Divisor packs(static_cast<unsigned>(s.c) / kWidth);
    launch(over_rows(lines, s.w * packs.value()), backward<kWidth, T>, rows, columns, packs, lines,
           dy, dx);
  });
}

}  // namespace

void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y) {
  run(s, oh, ow, x, y);
}
void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const bf16* x, bf16* y) {
  run(s, oh, ow, x, y);
}

void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx) {
  run_backward(s, oh, ow, dy, dx);
}
void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const bf16* dy,
                               bf16* dx) {
  run_backward(s, oh, ow, dy, dx);
}

}  // namespace tinct::gpu
