// The mean of each channel on the CPU: f32 sums over tiles of fixed size, added in double in the
// order of the tiles.
#include "kernels/global_average_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/global_average_pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

// sums (c) = the sums down a tile; `strip` is scratch.
void sum_tile(const RowPattern& pattern, std::size_t rows, const float* x, float* strip,
              double* sums) {
  const std::size_t width = pattern.width;
  std::memset(strip, 0, width * sizeof(float));
  for_each_strip(rows * pattern.c, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
    for_each_vector(size, false, [=](std::size_t, auto load, auto store) HWY_ATTR {
      store(hn::Add(load(strip), load(x + at)), strip);
    });
  });
  fold(pattern, strip, sums);
}

// Fills `rows` rows with a strip.
void spread(const RowPattern& pattern, std::size_t rows, const float* strip, float* dx,
            bool stream) {
  for_each_strip(rows * pattern.c, pattern.width, [=](std::size_t at, std::size_t size) HWY_ATTR {
    for_each_vector(size, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
      store(load(strip), dx + at);
    });
  });
  if (stream) hwy::FlushStream();
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(sum_tile);
HWY_EXPORT(spread);

namespace {

constexpr std::size_t kTile = std::size_t{16} << 10;  // floats

// The rows of each picture cut into tiles, by the shape alone.
struct Tiles {
  std::size_t rows, per_tile, count;

  Tiles(const Shape& s, const RowPattern& pattern)
      : rows(s.h * s.w),
        per_tile(pattern.tile_rows(kTile)),
        count((rows + per_tile - 1) / per_tile) {}
  std::size_t begin(std::size_t tile) const { return tile * per_tile; }
  std::size_t size(std::size_t tile) const { return std::min(per_tile, rows - begin(tile)); }
};

}  // namespace

void global_average_pool(const Shape& s, const float* x, float* y) {
  const RowPattern pattern(s.c);
  const Tiles tiles(s, pattern);
  Workspace<double> sums(s.n * tiles.count * s.c);
  const auto sum = HWY_DYNAMIC_DISPATCH(sum_tile);
  parallel_for(s.n * tiles.count, [&](std::size_t begin, std::size_t end) {
    Workspace<float> strip(pattern.width);
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t tile = i % tiles.count;
      const std::size_t row = i / tiles.count * tiles.rows + tiles.begin(tile);
      sum(pattern, tiles.size(tile), x + row * s.c, strip.data(), sums.data() + i * s.c);
    }
  });
  for (std::size_t b = 0; b < s.n; ++b) {
    const double* const of_picture = sums.data() + b * tiles.count * s.c;
    for (std::size_t j = 0; j < s.c; ++j) {
      double total = 0;
      for (std::size_t t = 0; t < tiles.count; ++t) total += of_picture[t * s.c + j];
      y[b * s.c + j] = static_cast<float>(total / static_cast<double>(tiles.rows));
    }
  }
}

void global_average_pool_backward(const Shape& s, const float* dy, float* dx) {
  const RowPattern pattern(s.c);
  const Tiles tiles(s, pattern);
  const double share = 1 / static_cast<double>(tiles.rows);
  const bool stream = stream_output(dx, s.size(), tiles.rows * s.c) && pattern.width % 16 == 0;
  const auto fill = HWY_DYNAMIC_DISPATCH(spread);
  parallel_for(s.n * tiles.count, [&](std::size_t begin, std::size_t end) {
    Workspace<float> strip(pattern.width);
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t picture = i / tiles.count;
      const std::size_t tile = i % tiles.count;
      for (std::size_t k = 0; k < pattern.width; ++k) {
        strip[k] = static_cast<float>(dy[picture * s.c + k % s.c] * share);
      }
      const std::size_t row = picture * tiles.rows + tiles.begin(tile);
      fill(pattern, tiles.size(tile), strip.data(), dx + row * s.c, stream);
    }
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
