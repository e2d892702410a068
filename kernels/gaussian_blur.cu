// Gaussian blur on the GPU: tiles blurred along and down in shared memory, one read and one write
// of the map. Bound by memory, 8 bytes an element and the tiles' margins, for few taps; by shared
// memory, taps + taps / 4 + 3 accesses an element, for many.
#include <algorithm>

#include "kernels/blur_device.h"

namespace tinct::gpu {
namespace {

using blur::Picture;
using blur::Taps;
using blur::Tile;

constexpr int kStrip = 4;

// A block owns a tile of a picture.
template <int kChannels>
__global__ void blur_tiles(int h, int w, bool zero, int taps, Taps weights, const float* x,
                           float* y) {
  constexpr int kColumns = blur::tile_columns(kChannels), kWidth = kColumns * kChannels;
  const int radius = taps / 2, rows = blur::kTileRows + 2 * radius;
  const Picture p{static_cast<std::size_t>(blockIdx.z) * h * w * kChannels,
                  h,
                  w,
                  zero,
                  static_cast<int>(blockIdx.y) * blur::kTileRows,
                  static_cast<int>(blockIdx.x) * kColumns};
  float* const shared = dynamic_shared<float>();
  const Tile around{shared, rows, (kColumns + 2 * radius) * kChannels};
  const Tile blurred{shared + around.rows * around.width, rows, kWidth};

  blur::fill<kChannels>(p, radius, around, [&](std::size_t at) { return x[at]; });
  __syncthreads();
  blur::along<kChannels>(weights.weight, taps, 0, around, blurred);
  __syncthreads();
  blur::for_each_strip<kStrip>(blur::kTileRows, kWidth, [&](int i, int j) {
    float sum[kStrip];
    blur::down(weights.weight, taps, 0, blurred, i, j, sum);
    for (int s = 0; s < kStrip; ++s) {
      if (!p.has(p.y + i + s, p.x + j / kChannels)) continue;
      const std::size_t row = static_cast<std::size_t>(p.y + i + s) * w + p.x;
      y[p.offset + row * kChannels + j] = sum[s];
    }
  });
}

// One direction: a thread owns an element; x counts a row's numbers, y rows, z pictures.
template <bool kDown>
__global__ void blur_axis(int h, int w, int c, bool zero, int taps, const float* weight,
                          const float* x, float* y) {
  const int j = static_cast<int>(first_item());
  if (j >= w * c) return;
  const std::size_t width = static_cast<std::size_t>(w) * c;
  for (int i = static_cast<int>(blockIdx.y); i < h; i += static_cast<int>(gridDim.y)) {
    const std::size_t picture = static_cast<std::size_t>(blockIdx.z) * h * width;
    const int middle = kDown ? i : j / c, extent = kDown ? h : w;
    float sum = 0;
    for (int k = 0; k < taps; ++k) {
      const int at = middle + k - taps / 2;
      if (zero && (at < 0 || at >= extent)) continue;
      const std::size_t pixel = static_cast<std::size_t>(blur::mirrored(at, extent));
      sum += weight[k] * x[picture + (kDown ? pixel * width + j : i * width + pixel * c + j % c)];
    }
    y[picture + i * width + j] = sum;
  }
}

}  // namespace

void gaussian_blur_two_pass(const Shape& s, const std::vector<float>& taps, Border border,
                            const float* x, float* y) {
  if (s.size() == 0) return;
  const device::Array<float> weight(taps.data(), taps.size());
  device::Array<float> along(s.size());
  const Launch grid{
      dim3(static_cast<unsigned>(ceil_div<std::size_t>(s.w * s.c, blur::kThreads)),
           static_cast<unsigned>(std::min<std::size_t>(s.h, 65535)), static_cast<unsigned>(s.n)),
      dim3(blur::kThreads)};
  const int h = static_cast<int>(s.h), w = static_cast<int>(s.w), c = static_cast<int>(s.c);
  const int count = static_cast<int>(taps.size());
  const bool zero = border == Border::zero;
  launch(grid, blur_axis<false>, h, w, c, zero, count, weight.data(), x, along.data());
  launch(grid, blur_axis<true>, h, w, c, zero, count, weight.data(), along.data(), y);
}

void gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border, const float* x,
                   float* y) {
  constexpr std::size_t kMostTaps = 15;  // whose tiles fit 48 KiB
  if (s.c > 4 || taps.size() > kMostTaps) return gaussian_blur_two_pass(s, taps, border, x, y);
  if (s.size() == 0) return;
  Taps weights{};
  std::copy(taps.begin(), taps.end(), weights.weight);
  const std::size_t radius = taps.size() / 2, rows = blur::kTileRows + 2 * radius;
  blur::with_channels(s.c, [&]<int kChannels>() {
    const std::size_t columns = 2 * (blur::tile_columns(kChannels) + radius);
    launch({blur::tiles(s), dim3(blur::kThreads), rows * columns * kChannels * sizeof(float)},
           blur_tiles<kChannels>, static_cast<int>(s.h), static_cast<int>(s.w),
           border == Border::zero, static_cast<int>(taps.size()), weights, x, y);
  });
}

}  // namespace tinct::gpu
