// Batch normalisation on the CPU. Bound by memory: training reads x twice and writes y; the way
// back reads x and dy twice and writes dx.
//
// Sums run in f32 over tiles and in double, in the order of the tiles, over the whole. A tile's
// variance is taken about its own mean, and tiles are combined about the mean of all (Chan, Golub
// and LeVeque 1979): nothing cancels.
#include "kernels/batch_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/batch_norm.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/rows-inl.h"
// clang-format on

#ifndef TINCT_BATCH_NORM_TABLES
#define TINCT_BATCH_NORM_TABLES
namespace tinct {

// Per-channel constants, each repeated to the width of a strip. `shrink` and `offset` are
// mean(g (x - mean)) / (variance + eps) and mean(g), g the gradient before the activation.
struct BatchNormTables {
  const float *mean, *scale, *beta, *shrink, *offset;
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

// The mean of a tile of `rows` rows and the sum of squares about it, from sums about the mean of
// the tile's first strips. That mean of m of n values lies within sqrt(n / m) standard deviations
// of the tile's own, whatever the values, so what cancels is at most log2(1 + n / m) bits.
// `scratch` holds 3 strips, `sums` 2 c numbers.
void tile_moments(const RowPattern& pattern, std::size_t rows, const float* x, float* scratch,
                  double* sums, float* mean, float* squares) {
  constexpr std::size_t kStrips = 4;
  const std::size_t c = pattern.c;
  const std::size_t width = pattern.width;
  float* const sum = scratch;
  float* const square = scratch + width;
  float* const shift = scratch + 2 * width;
  const std::size_t first = rows < kStrips * pattern.rows ? rows : kStrips * pattern.rows;
  std::memset(sum, 0, 2 * width * sizeof(float));
  for_each_strip(first * c, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
    for_each_vector(size, false, [=](std::size_t, auto load, auto store) HWY_ATTR {
      store(hn::Add(load(sum), load(x + at)), sum);
    });
  });
  fold(pattern, sum, sums);
  for (std::size_t j = 0; j < c; ++j) {
    mean[j] = static_cast<float>(sums[j] / static_cast<double>(first));
  }
  pattern.repeat(mean, shift);

  std::memset(sum, 0, width * sizeof(float));
  for_each_strip(rows * c, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
    for_each_vector(size, false, [=](std::size_t, auto load, auto store) HWY_ATTR {
      const Floats v = hn::Sub(load(x + at), load(shift));
      store(hn::Add(load(sum), v), sum);
      store(hn::MulAdd(v, v, load(square)), square);
    });
  });
  fold(pattern, sum, sums);
  fold(pattern, square, sums + c);
  for (std::size_t j = 0; j < c; ++j) {
    const double off = sums[j] / static_cast<double>(rows);
    squares[j] = static_cast<float>(sums[c + j] - off * sums[j]);
    mean[j] = static_cast<float>(static_cast<double>(mean[j]) + off);
  }
}

void normalize(const RowPattern& pattern, std::size_t rows, const BatchNormTables& tables,
               const float* x, Activation activation, float* y, bool stream) {
  const BatchNormTables t = tables;
  const std::size_t count = rows * pattern.c;
  const std::size_t width = pattern.width;
  with_fused(activation, [=](auto act) HWY_ATTR {
    for_each_strip(count, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
      for_each_vector(size, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
        const Floats centred = hn::Sub(load(x + at), load(t.mean));
        store(act(hn::MulAdd(centred, load(t.scale), load(t.beta))), y + at);
      });
    });
  });
  if (stream) hwy::FlushStream();
}

// The sums over a tile of g and of g (x - mean), g = dy activation'.
void tile_gradient_sums(const RowPattern& pattern, std::size_t rows, const BatchNormTables& tables,
                        const float* x, const float* dy, Activation activation, float* scratch,
                        double* sums, float* sum_g, float* sum_gx) {
  const BatchNormTables t = tables;
  const std::size_t width = pattern.width;
  const std::size_t count = rows * pattern.c;
  float* const g_sum = scratch;
  float* const gx_sum = scratch + width;
  std::memset(scratch, 0, 2 * width * sizeof(float));
  with_fused(activation, [=](auto act) HWY_ATTR {
    for_each_strip(count, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
      for_each_vector(size, false, [=](std::size_t, auto load, auto store) HWY_ATTR {
        const Floats centred = hn::Sub(load(x + at), load(t.mean));
        const Floats v = hn::MulAdd(centred, load(t.scale), load(t.beta));
        const Floats g = act.gradient(v, load(dy + at));
        store(hn::Add(load(g_sum), g), g_sum);
        store(hn::MulAdd(g, centred, load(gx_sum)), gx_sum);
      });
    });
  });
  fold(pattern, g_sum, sums);
  fold(pattern, gx_sum, sums + pattern.c);
  for (std::size_t j = 0; j < pattern.c; ++j) {
    sum_g[j] = static_cast<float>(sums[j]);
    sum_gx[j] = static_cast<float>(sums[pattern.c + j]);
  }
}

// dx = scale (g - offset - (x - mean) shrink).
void input_gradient(const RowPattern& pattern, std::size_t rows, const BatchNormTables& tables,
                    const float* x, const float* dy, Activation activation, float* dx,
                    bool stream) {
  const BatchNormTables t = tables;
  const std::size_t count = rows * pattern.c;
  const std::size_t width = pattern.width;
  with_fused(activation, [=](auto act) HWY_ATTR {
    for_each_strip(count, width, [=](std::size_t at, std::size_t size) HWY_ATTR {
      for_each_vector(size, stream, [=](std::size_t, auto load, auto store) HWY_ATTR {
        const Floats centred = hn::Sub(load(x + at), load(t.mean));
        const Floats scale = load(t.scale);
        const Floats v = hn::MulAdd(centred, scale, load(t.beta));
        const Floats g = hn::Sub(act.gradient(v, load(dy + at)), load(t.offset));
        store(hn::Mul(scale, hn::NegMulAdd(centred, load(t.shrink), g)), dx + at);
      });
    });
  });
  if (stream) hwy::FlushStream();
}

// out[j] += sum over the tiles of weight(tile) partial[tile c + j], for channels [begin, end).
void combine(std::size_t tiles, std::size_t c, std::size_t begin, std::size_t end,
             const float* partial, const double* weights, double* out) {
  for (std::size_t t = 0; t < tiles; ++t) {
    const double weight = weights ? weights[t] : 1;
    for (std::size_t j = begin; j < end; ++j) {
      out[j] += weight * static_cast<double>(partial[t * c + j]);
    }
  }
}

// out[j] += sum over the tiles of weight(tile) (mean[tile c + j] - all[j])^2.
void combine_squares(std::size_t tiles, std::size_t c, std::size_t begin, std::size_t end,
                     const float* mean, const double* weights, const double* all, double* out) {
  for (std::size_t t = 0; t < tiles; ++t) {
    for (std::size_t j = begin; j < end; ++j) {
      const double off = static_cast<double>(mean[t * c + j]) - all[j];
      out[j] += weights[t] * off * off;
    }
  }
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/blocks.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(tile_moments);
HWY_EXPORT(normalize);
HWY_EXPORT(tile_gradient_sums);
HWY_EXPORT(input_gradient);
HWY_EXPORT(combine);
HWY_EXPORT(combine_squares);

namespace {

constexpr std::size_t kTile = std::size_t{32} << 10;  // floats: 128 KiB
constexpr std::size_t kChannelBlock = 64;             // of the combinations

// The rows cut into tiles: by the shape alone, never by the number of threads.
struct Tiles {
  std::size_t rows, per_tile, count;

  Tiles(std::size_t all_rows, const RowPattern& pattern)
      : rows(all_rows),
        per_tile(pattern.tile_rows(kTile)),
        count((all_rows + per_tile - 1) / per_tile) {}
  std::size_t begin(std::size_t tile) const { return tile * per_tile; }
  std::size_t size(std::size_t tile) const { return std::min(per_tile, rows - begin(tile)); }
};

// Calls body(tile, scratch, sums) for every tile, threaded.
template <class Body>
void for_each_tile(const Tiles& tiles, const RowPattern& pattern, const Body& body) {
  parallel_for(tiles.count, [&](std::size_t begin, std::size_t end) {
    Workspace<float> scratch(3 * pattern.width);
    Workspace<double> sums(2 * pattern.c);
    for (std::size_t t = begin; t < end; ++t) body(t, scratch.data(), sums.data());
  });
}

// The five tables, in one block of memory.
class Tables {
 public:
  explicit Tables(const RowPattern& pattern) : pattern_(pattern), memory_(5 * pattern.width) {}

  /// Sets table `which` from one value a channel.
  template <class F>
  const float* set(std::size_t which, F&& value) {
    float* const table = memory_.data() + which * pattern_.width;
    for (std::size_t i = 0; i < pattern_.width; ++i) {
      table[i] = i < pattern_.c ? static_cast<float>(value(i)) : table[i - pattern_.c];
    }
    return table;
  }

 private:
  RowPattern pattern_;
  Workspace<float> memory_;
};

double inverse_std(const BatchNormChannels& p, std::size_t j) {
  return 1 / std::sqrt(double{p.variance[j]} + double{p.eps});
}

BatchNormTables forward_tables(const BatchNormChannels& p, Tables& tables) {
  BatchNormTables t{};
  t.mean = tables.set(0, [&](std::size_t j) { return p.mean[j]; });
  t.scale = tables.set(1, [&](std::size_t j) { return p.gamma[j] * inverse_std(p, j); });
  t.beta = tables.set(2, [&](std::size_t j) { return p.beta[j]; });
  return t;
}

}  // namespace

void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance) {
  const RowPattern pattern(c);
  const Tiles tiles(rows, pattern);
  Workspace<float> means(tiles.count * c);
  Workspace<float> squares(tiles.count * c);
  const auto moments = HWY_DYNAMIC_DISPATCH(tile_moments);
  for_each_tile(tiles, pattern, [&](std::size_t t, float* scratch, double* sums) {
    moments(pattern, tiles.size(t), x + tiles.begin(t) * c, scratch, sums, means.data() + t * c,
            squares.data() + t * c);
  });

  std::vector<double> sizes(tiles.count);
  for (std::size_t t = 0; t < tiles.count; ++t) sizes[t] = static_cast<double>(tiles.size(t));
  std::vector<double> m(c);
  std::vector<double> v(c);
  const double share = 1 / static_cast<double>(rows);
  for_each_piece(
      c,
      [&](std::size_t begin, std::size_t count) {
        const std::size_t end = begin + count;
        const auto add = HWY_DYNAMIC_DISPATCH(combine);
        add(tiles.count, c, begin, end, means.data(), sizes.data(), m.data());
        for (std::size_t j = begin; j < end; ++j) m[j] *= share;
        add(tiles.count, c, begin, end, squares.data(), nullptr, v.data());
        HWY_DYNAMIC_DISPATCH(combine_squares)
        (tiles.count, c, begin, end, means.data(), sizes.data(), m.data(), v.data());
        for (std::size_t j = begin; j < end; ++j) {
          mean[j] = static_cast<float>(m[j]);
          variance[j] = static_cast<float>(v[j] < 0 ? 0 : v[j] * share);
        }
      },
      kChannelBlock);
}

void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y) {
  const RowPattern pattern(c);
  Tables memory(pattern);
  const BatchNormTables t = forward_tables(p, memory);
  const bool stream = stream_output(y, rows * c, pattern.width);
  const auto run = HWY_DYNAMIC_DISPATCH(normalize);
  for_each_piece(
      rows,
      [&](std::size_t at, std::size_t size) {
        run(pattern, size, t, x + at * c, activation, y + at * c, stream);
      },
      pattern.tile_rows(kTile / 4));
}

void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out) {
  const RowPattern pattern(c);
  Tables memory(pattern);
  BatchNormTables t = forward_tables(p, memory);

  const Tiles tiles(rows, pattern);
  Workspace<float> part_g(tiles.count * c);
  Workspace<float> part_gx(tiles.count * c);
  const auto sum_tile = HWY_DYNAMIC_DISPATCH(tile_gradient_sums);
  for_each_tile(tiles, pattern, [&](std::size_t i, float* scratch, double* sums) {
    const std::size_t at = tiles.begin(i) * c;
    sum_tile(pattern, tiles.size(i), t, x + at, dy + at, activation, scratch, sums,
             part_g.data() + i * c, part_gx.data() + i * c);
  });
  std::vector<double> g(c);
  std::vector<double> gx(c);
  for_each_piece(
      c,
      [&](std::size_t begin, std::size_t count) {
        const auto add = HWY_DYNAMIC_DISPATCH(combine);
        add(tiles.count, c, begin, begin + count, part_g.data(), nullptr, g.data());
        add(tiles.count, c, begin, begin + count, part_gx.data(), nullptr, gx.data());
        for (std::size_t j = begin; j < begin + count; ++j) {
          out.dbeta[j] = static_cast<float>(g[j]);
          out.dgamma[j] = static_cast<float>(gx[j] * inverse_std(p, j));
        }
      },
      kChannelBlock);
  if (!out.dx) return;

  const double share = batch_statistics ? 1 / static_cast<double>(rows) : 0;
  t.shrink = memory.set(
      3, [&](std::size_t j) { return gx[j] * share * inverse_std(p, j) * inverse_std(p, j); });
  t.offset = memory.set(4, [&](std::size_t j) { return g[j] * share; });
  const bool stream = stream_output(out.dx, rows * c, pattern.width);
  const auto run = HWY_DYNAMIC_DISPATCH(input_gradient);
  for_each_piece(
      rows,
      [&](std::size_t at, std::size_t size) {
        run(pattern, size, t, x + at * c, dy + at * c, activation, out.dx + at * c, stream);
      },
      pattern.tile_rows(kTile / 4));
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
