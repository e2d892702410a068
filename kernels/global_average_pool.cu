// The mean of each channel of each picture, on the GPU. Bound by memory: forward reads x, backward
// writes dx.
#include "kernels/global_average_pool.h"

#include "core/simt/divide.h"
#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

constexpr int kRows = 16;

// A block owns 32 packs of channels of a picture: a warp sums every kRows-th pixel, then the first
// warp adds up the warps, always in the same order.
template <int kWidth, class T>
__global__ void forward(unsigned pixels, unsigned c, const T* x, T* y) {
  __shared__ float sums[kRows][kWidth][kWarp];
  const unsigned channel = (blockIdx.x * kWarp + threadIdx.x) * kWidth;
  const bool inside = channel < c;
  Pack<kWidth> sum{};
  if (inside) {
    const T* from = x + std::size_t{blockIdx.y} * pixels * c + channel;
    for (unsigned p = threadIdx.y; p < pixels; p += kRows) {
      const Pack<kWidth> v = load<kWidth>(from + std::size_t{p} * c);
      for (int k = 0; k < kWidth; ++k) sum.v[k] += v.v[k];
    }
  }
  for (int k = 0; k < kWidth; ++k) sums[threadIdx.y][k][threadIdx.x] = sum.v[k];
  __syncthreads();
  if (threadIdx.y != 0 || !inside) return;
  for (int r = 1; r < kRows; ++r) {
    for (int k = 0; k < kWidth; ++k) sum.v[k] += sums[r][k][threadIdx.x];
  }
  for (int k = 0; k < kWidth; ++k) sum.v[k] /= static_cast<float>(pixels);
  store(y + std::size_t{blockIdx.y} * c + channel, sum);
}

// A thread owns packs a grid apart.
template <int kWidth, class T>
__global__ void backward(Divisor pixels, Divisor packs, unsigned count, const T* dy, T* dx) {
  const float share = 1 / static_cast<float>(pixels.value());
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const unsigned pixel = packs.divide(i), at = i - pixel * packs.value();
    const std::size_t image = pixels.divide(pixel);
    Pack<kWidth> g = load<kWidth>(dy + (image * packs.value() + at) * kWidth);
    for (int k = 0; k < kWidth; ++k) g.v[k] *= share;
    store(dx + std::size_t{i} * kWidth, g);
  }
}

// A grid has at most this many rows of blocks.
constexpr std::size_t kMostImages = 65535;

template <class T>
void run(const Shape& s, const T* x, T* y) {
  const std::size_t picture = s.h * s.w * s.c;
  if (s.n * s.c == 0) return;
  with_width<T>(s.c, [&]<int kWidth>() {
    const unsigned pixels = small_index("global_average_pool", s.h * s.w);
    const unsigned c = small_index("global_average_pool", s.c);
    for (std::size_t first = 0; first < s.n; first += kMostImages) {
      const unsigned images = static_cast<unsigned>(min(s.n - first, kMostImages));
      launch({dim3(ceil_div(c, kWidth * kWarp), images), dim3(kWarp, kRows)}, forward<kWidth, T>,
             pixels, c, x + first * picture, y + first * s.c);
    }
  });
}

template <class T>
void run_backward(const Shape& s, const T* dy, T* dx) {
  if (s.size() == 0) return;
  with_width<T>(s.c, [&]<int kWidth>() {
    const unsigned count = small_index("global_average_pool_backward", s.size() / kWidth);
    launch(over(count), backward<kWidth, T>, Divisor(static_cast<unsigned>(s.h * s.w)),
           Divisor(static_cast<unsigned>(s.c / kWidth)), count, dy, dx);
  });
}

}  // namespace

void global_average_pool(const Shape& s, const float* x, float* y) {
  run(s, x, y);
}
void global_average_pool(const Shape& s, const bf16* x, bf16* y) {
  run(s, x, y);
}

void global_average_pool_backward(const Shape& s, const float* dy, float* dx) {
  run_backward(s, dy, dx);
}
void global_average_pool_backward(const Shape& s, const bf16* dy, bf16* dx) {
  run_backward(s, dy, dx);
}

}  // namespace tinct::gpu
