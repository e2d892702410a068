// Convolution, weight gradient, on tensor cores: mma.sync m16n8k16, bf16 in, f32 sums.
//
// dw (k, taps c) is a matrix product summed over pixels: dy across times the pixels that each tap
// reads. A block owns kM output channels x kN of (tap, channel) and a run of pixels, 32 a step;
// both tiles lie in shared memory as they do in the tensors, pixels down, and ldmatrix.trans turns
// them. A thread copies one chunk of 8 channels of several pixels, so its tap never changes, and
// walks the pixels by adding.
//
// There are few tiles and many pixels: blockIdx.y splits the pixels, each part into its own f32
// matrix, and a second launch adds those in a fixed order. 2 FLOPs a pixel and weight; device
// memory x and dy once, and the parts written and read. Through L2 go 2 (1/kM + 1/kN) bytes a
// multiply-add.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "core/simt/ptx.h"
#include "kernels/conv/bf16_rows.h"
#include "kernels/conv/gather.h"
#include "kernels/conv/mma_tile-inl.h"
#include "kernels/conv/sums.h"
#include "kernels/conv/tensor_core.h"

namespace tinct::gpu {
namespace {

struct Geometry {
  Axis rows, columns;
  int pixels;      // of dy, all images
  int part;        // pixels of one part, a multiple of the step
  int k, k_pitch;  // output channels and, padded, what a pixel of dy takes
  int c;           // input channels, padded
  int step_images, step_rows, step_columns;  // 32 pixels on, with carries to come
};

// Copies A's tile: 32 pixels x kM output channels of dy.
template <class T>
struct GradientLoader {
  static constexpr int kChunks = T::kM / 8, kApart = T::kThreads / kChunks;
  static constexpr int kRows = T::kK / kApart;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);

  const bf16* dy;
  int pixel, k;

  __device__ GradientLoader(const bf16* dy_, int first_pixel, int first_k)
      : dy(dy_),
        pixel(first_pixel + static_cast<int>(threadIdx.x) / kChunks),
        k(first_k + static_cast<int>(threadIdx.x) % kChunks * 8) {}

  __device__ void fetch(const Geometry& g, int end, bf16* to) {
    const int t = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int p = pixel + i * kApart;
      const bool there = p < end && k < g.k_pitch;
      async_copy_16(to + at<kChunks>(t / kChunks + i * kApart, t % kChunks),
                    there ? dy + static_cast<std::size_t>(p) * g.k_pitch + k : dy, there ? 16 : 0);
    }
    pixel += T::kK;
  }
};

// Copies B's tile: what one tap of 32 pixels reads, kN of (tap, channel).
template <class T>
struct PixelLoader {
  static constexpr int kChunks = T::kN / 8, kApart = T::kThreads / kChunks;
  static constexpr int kRows = T::kK / kApart;
  static_assert(T::kThreads % kChunks == 0 && T::kK % kApart == 0);

  const bf16* x;
  int down, right;  // of the tap; far outside for a column beyond the last
  int pixel;
  int image[kRows], row[kRows], column[kRows];

  __device__ PixelLoader(const Geometry& g, const bf16* x_, int first_pixel, int first_n) : x(x_) {
    const int t = static_cast<int>(threadIdx.x);
    const int n = first_n + t % kChunks * 8, tap = n / g.c, r = tap / g.columns.taps;
    x += n - tap * g.c;
    down = r < g.rows.taps ? g.rows.origin + r * g.rows.delta : -(1 << 30);
    right = g.columns.origin + (tap - r * g.columns.taps) * g.columns.delta;
    pixel = first_pixel + t / kChunks;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int p = pixel + i * kApart, line = p / g.columns.outputs;
      image[i] = line / g.rows.outputs;
      row[i] = line - image[i] * g.rows.outputs;
      column[i] = p - line * g.columns.outputs;
    }
  }

  __device__ void fetch(const Geometry& g, int end, const bf16* aligned, bf16* to) {
    const int t = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int iy = row[i] * g.rows.stride + down, ix = column[i] * g.columns.stride + right;
      const bool there = pixel + i * kApart < end &&
                         static_cast<unsigned>(iy) < static_cast<unsigned>(g.rows.inputs) &&
                         static_cast<unsigned>(ix) < static_cast<unsigned>(g.columns.inputs);
      const bf16* from =
          there
              ? x + ((static_cast<std::size_t>(image[i]) * g.rows.inputs + iy) * g.columns.inputs +
                     ix) *
                        g.c
              : aligned;
      async_copy_16(to + at<kChunks>(t / kChunks + i * kApart, t % kChunks), from, there ? 16 : 0);
      column[i] += g.step_columns;
      row[i] += g.step_rows;
      image[i] += g.step_images;
      if (column[i] >= g.columns.outputs) column[i] -= g.columns.outputs, ++row[i];
      if (row[i] >= g.rows.outputs) row[i] -= g.rows.outputs, ++image[i];
    }
    pixel += T::kK;
  }
};

// parts (gridDim.y, k, taps c).
template <class T>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    weight_gradient(Geometry g, const bf16* x, const bf16* dy, float* parts) {
  bf16* shared = dynamic_shared<bf16>();
  const int n = g.rows.taps * g.columns.taps * g.c;
  const int tiles_n = ceil_div(n, T::kN), tile_m = static_cast<int>(blockIdx.x) / tiles_n;
  const int first_m = tile_m * T::kM;
  const int first_n = (static_cast<int>(blockIdx.x) - tile_m * tiles_n) * T::kN;
  const int begin = static_cast<int>(blockIdx.y) * g.part, end = min(g.pixels, begin + g.part);

  const int t = static_cast<int>(threadIdx.x), warp = t / static_cast<int>(kWarp);
  const int warp_m = warp / T::kWarpsN * T::kWarpM, warp_n = warp % T::kWarpsN * T::kWarpN;
  typename T::Sums sums = {};
  GradientLoader<T> gradients(dy, begin, first_m);
  PixelLoader<T> pixels(g, x, begin, first_n);
  multiply_all<T, true, true>(ceil_div(end - begin, T::kK), shared, warp_m, warp_n, sums,
                              [&](int, bf16* to) {
                                gradients.fetch(g, end, to);
                                pixels.fetch(g, end, x, to + T::kM * T::kK);
                              });

  // 8 rows of 32 bytes a warp.
  float* part = parts + static_cast<std::size_t>(blockIdx.y) * g.k * n;
  const int lane = t % static_cast<int>(kWarp);
#pragma unroll
  for (int i = 0; i < T::kWarpM / 16; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = first_m + warp_m + 16 * i + 8 * half + lane / 4;
      if (row >= g.k) continue;
#pragma unroll
      for (int j = 0; j < T::kWarpN / 8; ++j) {
        const int column = first_n + warp_n + 8 * j + lane % 4 * 2;
        if (column >= n) continue;
        *reinterpret_cast<float2*>(part + static_cast<std::size_t>(row) * n + column) =
            make_float2(sums[i][j][2 * half], sums[i][j][2 * half + 1]);
      }
    }
  }
}

// Drops the padding of each row's channels. A thread owns elements of a row; blockIdx.y strides
// over the rows.
__global__ void drop_padding(int rows, int c, int padded, const float* from, float* to) {
  const int i = static_cast<int>(first_item());
  if (i >= c) return;
  for (int row = static_cast<int>(blockIdx.y); row < rows; row += static_cast<int>(gridDim.y)) {
    to[static_cast<std::size_t>(row) * c + i] = from[static_cast<std::size_t>(row) * padded + i];
  }
}

int integer(std::size_t v) {
  return static_cast<int>(v);
}

Geometry geometry(const Conv2dShape& s) {
  constexpr int kStep = 32;
  Geometry g{};
  g.rows = forward_rows(s), g.columns = forward_columns(s);
  g.pixels = integer(s.n * s.oh() * s.ow());
  g.k = integer(s.k), g.k_pitch = integer(padded_channels(s.k));
  g.c = integer(padded_channels(s.c));
  g.step_images = kStep / (g.rows.outputs * g.columns.outputs);
  const int left = kStep - g.step_images * g.rows.outputs * g.columns.outputs;
  g.step_rows = left / g.columns.outputs;
  g.step_columns = left - g.step_rows * g.columns.outputs;
  return g;
}

using Tile128x128 = MmaTile<128, 128, 2, 4>;
using Tile64x64 = MmaTile<64, 64, 2, 2>;

// Enough parts for two blocks on each of a large card's 132 multiprocessors, none below 16 steps.
// By the shape alone, so that every card adds in the same order.
template <class T>
int parts_of(const Geometry& g) {
  const int tiles = ceil_div(g.k, T::kM) * ceil_div(g.rows.taps * g.columns.taps * g.c, T::kN);
  return std::clamp(264 / tiles, 1, ceil_div(g.pixels, 16 * T::kK));
}

template <class T>
void run(Geometry g, const bf16* x, const bf16* dy, float* dw, std::size_t c) {
  const int n = g.rows.taps * g.columns.taps * g.c;
  const auto tiles = static_cast<unsigned>(ceil_div(g.k, T::kM) * ceil_div(n, T::kN));
  int parts = parts_of<T>(g);
  g.part = ceil_div(ceil_div(g.pixels, parts), T::kK) * T::kK;
  parts = ceil_div(g.pixels, g.part);

  const std::size_t padded = static_cast<std::size_t>(g.k) * n;
  const bool as_it_is = c == static_cast<std::size_t>(g.c);
  device::Array<float> wide(as_it_is ? 0 : padded), split(parts == 1 ? 0 : parts * padded);
  float* sums = as_it_is ? dw : wide.data();
  launch({dim3(tiles, static_cast<unsigned>(parts)), dim3(T::kThreads), T::kBytes},
         weight_gradient<T>, g, x, dy, parts == 1 ? sums : split.data());
  if (parts > 1) sum_rows(static_cast<std::size_t>(parts), padded, split.data(), sums);
  if (as_it_is) return;
  const int rows = g.k * g.rows.taps * g.columns.taps;
  launch({dim3(static_cast<unsigned>(ceil_div(integer(c), 64)),
               static_cast<unsigned>(std::min(rows, 65535))),
          dim3(64)},
         drop_padding, rows, integer(c), g.c, sums, dw);
}

template <class T>
void backward_weights(const Conv2dShape& s, const T* x, const T* dy, float* dw, float* db,
                      ConvTile tile) {
  s.check();
  const std::size_t pixels = s.n * s.oh() * s.ow();
  const std::size_t weights = s.w_size() / s.c * padded_channels(s.c);
  constexpr std::size_t kMost = (std::size_t{1} << 31) - 1024;
  if (pixels > kMost || s.n * s.h * s.w > kMost || weights > kMost) {
    throw std::invalid_argument("conv2d_backward_weights on tensor cores: " + std::to_string(s.n) +
                                "x" + std::to_string(s.h) + "x" + std::to_string(s.w) +
                                ", or the filter, has 2^31 elements or more");
  }
  const Bf16Rows from(s.n * s.h * s.w, s.c, x), gradient(pixels, s.k, dy);
  if (tile == ConvTile::automatic) {
    tile = s.k > 64 && s.c * s.kh * s.kw > 64 ? ConvTile::m128n128 : ConvTile::m64n64;
  }
  if (tile == ConvTile::m128n128) {
    run<Tile128x128>(geometry(s), from.data(), gradient.data(), dw, s.c);
  } else {
    run<Tile64x64>(geometry(s), from.data(), gradient.data(), dw, s.c);
  }
  if (db != nullptr) sum_rows(pixels, s.k, dy, db);
}

}  // namespace

void conv2d_backward_weights_tensor_core(const Conv2dShape& s, const bf16* x, const bf16* dy,
                                         float* dw, float* db, ConvTile tile) {
  backward_weights(s, x, dy, dw, db, tile);
}
void conv2d_backward_weights_tensor_core(const Conv2dShape& s, const float* x, const float* dy,
                                         float* dw, float* db, ConvTile tile) {
  backward_weights(s, x, dy, dw, db, tile);
}

}  // namespace tinct::gpu
