// Dropout on the GPU: each thread draws the Philox blocks of its own elements. Bound by memory: 8
// bytes an element, 4 for bf16; the 20 wide multiplications of a block of four hide behind them.
#include "kernels/dropout.h"

#include "core/philox.h"
#include "core/simt/divide.h"
#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

// What is dropped, and what the rest is multiplied by.
struct Dropping {
  std::uint32_t key[2], base[2];
  std::uint32_t threshold;
  float factor;
};

Dropping dropping(const Random& random, float rate) {
  const auto counter = random.counter(0);
  return {{random.key()[0], random.key()[1]},
          {counter[2], counter[3]},
          dropout_threshold(rate),
          1.0f / (1.0f - rate)};
}

__device__ __forceinline__ PhiloxBlock draw(const Dropping& d, std::size_t block) {
  return philox({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                  d.base[0], d.base[1]}},
                d.key[0], d.key[1]);
}

// Elements [index, index + kWidth) of the stream; index is a multiple of kWidth.
template <int kWidth>
__device__ __forceinline__ void drop(const Dropping& d, std::size_t index, Pack<kWidth>& v) {
  if constexpr (kWidth == 1) {
    const PhiloxBlock block = draw(d, index / 4);
    const unsigned at = index % 4;
    const std::uint32_t word = at == 0   ? block.word[0]
                               : at == 1 ? block.word[1]
                               : at == 2 ? block.word[2]
                                         : block.word[3];
    v.v[0] = word >= d.threshold ? d.factor * v.v[0] : 0;
  } else {
    for (int k = 0; k < kWidth; k += 4) {
      const PhiloxBlock block = draw(d, (index + k) / 4);
      for (int j = 0; j < 4; ++j) {
        v.v[k + j] = block.word[j] >= d.threshold ? d.factor * v.v[k + j] : 0;
      }
    }
  }
}

// A thread owns packs of 16 bytes, a grid apart.
template <class T>
__global__ void elements(Dropping d, std::size_t count, const T* x, T* y) {
  for_each_pack<T>(count, [=]<int kWidth>(std::size_t i) {
    Pack<kWidth> v = load<kWidth>(x + i);
    drop(d, i, v);
    store(y + i, v);
  });
}

// A thread owns packs of channels, a grid apart.
template <int kWidth, class T>
__global__ void channels(Dropping d, Divisor pixels, Divisor packs, unsigned count, const T* x,
                         T* y) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    const unsigned pixel = packs.divide(i), at = i - pixel * packs.value();
    const std::size_t sample = pixels.divide(pixel);
    Pack<kWidth> v = load<kWidth>(x + std::size_t{i} * kWidth);
    drop(d, (sample * packs.value() + at) * kWidth, v);
    store(y + std::size_t{i} * kWidth, v);
  }
}

template <class T>
void run(const Random& random, float rate, std::size_t count, const T* x, T* y) {
  if (count == 0) return;
  launch(over_packs<T>(count), elements<T>, dropping(random, rate), count, x, y);
}

template <class T>
void run_channels(const Random& random, float rate, std::size_t n, std::size_t pixels,
                  std::size_t c, const T* x, T* y) {
  if (n * pixels * c == 0) return;
  with_width<T>(c, [&]<int kWidth>() {
    const unsigned count = small_index("channel_dropout", n * pixels * c / kWidth);
    launch(over(count), channels<kWidth, T>, dropping(random, rate),
           Divisor(static_cast<unsigned>(pixels)), Divisor(static_cast<unsigned>(c / kWidth)),
           count, x, y);
  });
}

}  // namespace

void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y) {
  run(random, rate, count, x, y);
}
void dropout(const Random& random, float rate, std::size_t count, const bf16* x, bf16* y) {
  run(random, rate, count, x, y);
}

void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const float* x, float* y) {
  run_channels(random, rate, n, pixels, c, x, y);
}
void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const bf16* x, bf16* y) {
  run_channels(random, rate, n, pixels, c, x, y);
}

}  // namespace tinct::gpu
