// Products upsampled, shifted and added, on the CPU. Both directions are two weighted sums of
// pixels, first down the columns into scratch that stays in cache, then along the rows: per output
// number 6 + 18/s multiply-adds for a 3x3 kernel and a map s times smaller, instead of 36. Both
// gather: an output row (forward) or a row of products (backward) is one thread's.
#include "kernels/shifted_upsample.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/weighted_sums.h"

namespace tinct::cpu {
namespace {

// Calls f(input, tap, weight) for what output o takes of the upsampled positions o + tap -
// kernel/2.
template <class F>
void for_each_term(const BilinearAxis& axis, std::size_t kernel, std::size_t o, const F& f) {
  const std::size_t out = axis.first.size();
  const std::size_t half = kernel / 2;
  for (std::size_t t = 0; t < kernel; ++t) {
    if (o + t < half || o + t >= out + half) continue;
    const std::size_t p = o + t - half;
    if (axis.weight[p] != 1) f(axis.first[p], t, 1 - axis.weight[p]);
    if (axis.weight[p] != 0) f(axis.second[p], t, axis.weight[p]);
  }
}

// Sum o: those terms, read from place(input, tap).
template <class Place>
WeightedSums forward_sums(const BilinearAxis& axis, std::size_t kernel, const Place& place) {
  WeightedSums sums;
  for (std::size_t o = 0; o < axis.first.size(); ++o) {
    for_each_term(axis, kernel, o, [&](std::size_t i, std::size_t t, float weight) {
      sums.add(place(i, t), weight);
    });
    sums.end();
  }
  return sums;
}

// The transpose. Sum i * kernel + t: what input i gets through tap t from outputs `step` apart.
WeightedSums backward_sums(const BilinearAxis& axis, std::size_t in, std::size_t kernel,
                           std::size_t step) {
  WeightedSums sums;
  const std::size_t out = axis.first.size();
  const std::size_t half = kernel / 2;
  std::size_t begin = 0;  // the first position whose second input is not behind i
  for (std::size_t i = 0; i < in; ++i) {
    while (begin < out && axis.second[begin] < i) ++begin;
    for (std::size_t t = 0; t < kernel; ++t) {
      for (std::size_t p = begin; p < out && axis.first[p] <= i; ++p) {
        if (p + half < t || p + half - t >= out) continue;
        const float weight = (axis.first[p] == i ? 1 - axis.weight[p] : 0) +
                             (axis.second[p] == i ? axis.weight[p] : 0);
        sums.add((p + half - t) * step, weight);
      }
      sums.end();
    }
  }
  return sums;
}

// Rows of y that are made together, so that a product that comes from the second cache serves all
// of them, and columns, so that what is summed down stays in the first.
constexpr std::size_t kRows = 4, kColumns = 16;

// The inputs that outputs [o, o + count) read.
SumRange inputs_of(const BilinearAxis& axis, std::size_t kernel, std::size_t o, std::size_t count) {
  SumRange span{axis.first.size() + axis.second.back() + 1, 0};
  for (std::size_t end = std::min(o + count, axis.first.size()); o < end; ++o) {
    for_each_term(axis, kernel, o, [&](std::size_t i, std::size_t, float) {
      span = {std::min(span.begin, i), std::max(span.end, i + 1)};
    });
  }
  return span;
}

// The most inputs that `count` outputs read, where a group of them begins every `step`.
std::size_t most_inputs(const BilinearAxis& axis, std::size_t kernel, std::size_t count,
                        std::size_t step) {
  std::size_t most = 1;
  for (std::size_t o = 0; o < axis.first.size(); o += step) {
    const SumRange span = inputs_of(axis, kernel, o, count);
    most = std::max(most, span.end - span.begin);
  }
  return most;
}

// How a map's products are summed: down into a few columns, then along these.
struct MapSums {
  explicit MapSums(const ShiftedProducts& m)
      : map(m),
        run(m.shape.kernel * m.shape.c),
        pixel(m.g == nullptr ? run : m.shape.kernel * run),
        rows(bilinear_axis(m.shape.h, m.shape.oh, m.shape.align)),
        columns(bilinear_axis(m.shape.w, m.shape.ow, m.shape.align)),
        kept_rows(most_inputs(rows, m.shape.kernel, kRows, 1)),
        kept_columns(most_inputs(columns, m.shape.kernel, kColumns, kColumns)),
        down(forward_sums(rows, m.shape.kernel,
                          [this](std::size_t i, std::size_t t) {
                            return map.g == nullptr ? place(i, t)
                                                    : i * map.shape.w * pixel + t * run;
                          })),
        along(forward_sums(columns, m.shape.kernel, [this](std::size_t i, std::size_t t) {
          return i % kept_columns * run + t * map.shape.c;
        })) {}

  // Of products made on the way a few rows of each row of taps are kept.
  std::size_t slots() const { return kept_rows * map.shape.kernel; }
  std::size_t slot(std::size_t i, std::size_t t) const { return t * kept_rows + i % kept_rows; }
  std::size_t place(std::size_t i, std::size_t t) const { return slot(i, t) * map.shape.w * run; }

  const ShiftedProducts& map;
  std::size_t run;    // of a row of taps
  std::size_t pixel;  // from one to the next in what `down` reads
  BilinearAxis rows, columns;
  std::size_t kept_rows, kept_columns;
  WeightedSums down, along;
};

// A map on its way down the rows of y, on one thread.
class Walk {
 public:
  explicit Walk(const MapSums& sums)
      : sums_(sums),
        s_(sums.map.shape),
        row_(sums.kept_columns * sums.run),
        sums_down_(kRows * row_) {
    if (sums.map.g != nullptr) return;
    products_.emplace(sums.slots() * s_.w * sums.run);
    held_.assign(sums.slots(), s_.h);
  }

  const ShiftedUpsample& shape() const { return s_; }

  // Turns to rows [o, o + count) of y.
  void turn_to(std::size_t o, std::size_t count) {
    o_ = o;
    count_ = count;
    done_ = 0;
    if (sums_.map.g == nullptr) {
      for (std::size_t r = 0; r < count; ++r) fetch(o + r);
    }
  }

  // Sums down what these columns of these rows read.
  void sum_down(SumRange span) {
    const float* g = sums_.map.g == nullptr ? products_->data() : sums_.map.g;
    const std::size_t needed =
        inputs_of(sums_.columns, s_.kernel, span.begin, span.end - span.begin).end;
    for (; done_ < needed; ++done_) {
      float* to = sums_down_.data() + done_ % sums_.kept_columns * sums_.run;
      for (std::size_t r = 0; r < count_; ++r) {
        sum_runs(sums_.down, o_ + r, {sums_.run, 1, 0, 0}, g + done_ * sums_.pixel, to + r * row_);
      }
    }
  }

  // What is left to do for them, in row r of these.
  SumSource along(std::size_t r) { return {&sums_.along, sums_down_.data() + r * row_}; }

 private:
  void fetch(std::size_t o) {
    for_each_term(sums_.rows, s_.kernel, o, [&](std::size_t i, std::size_t t, float) {
      std::size_t& held = held_[sums_.slot(i, t)];
      if (held == i) return;
      sums_.map.fill(i, t, products_->data() + sums_.place(i, t));
      held = i;
    });
  }

  const MapSums& sums_;
  const ShiftedUpsample& s_;
  std::size_t o_ = 0, count_ = 0;
  std::size_t done_ = 0;  // columns of the map that are summed down
  std::size_t row_;
  Workspace<float> sums_down_;                // (count, kept columns, taps of a row, c)
  std::optional<Workspace<float>> products_;  // made on the way,
  std::vector<std::size_t> held_;             // and which row of the map is in each slot
};

// Adds the sums of all maps to rows [o, o + count) of y, which begin at `rows`.
void add_rows(std::vector<Walk>& walks, std::size_t o, std::size_t count, float* rows) {
  const ShiftedUpsample& s = walks.front().shape();
  std::vector<SumSource> sources(walks.size());
  for (Walk& walk : walks) walk.turn_to(o, count);
  for (std::size_t x = 0; x < s.ow; x += kColumns) {
    const SumRange columns{x, std::min(x + kColumns, s.ow)};
    for (Walk& walk : walks) walk.sum_down(columns);
    for (std::size_t r = 0; r < count; ++r) {
      std::transform(walks.begin(), walks.end(), sources.begin(),
                     [=](Walk& walk) { return walk.along(r); });
      add_range({sources.data(), sources.size()}, columns, s.c, rows + (r * s.ow + x) * s.y_pixel,
                s.y_pixel);
    }
  }
}

// Groups of kRows rows, handed to threads. Two share a stretch and walk towards each other: neither
// waits for a slower one, and the products of one group serve the next.
class Groups {
 public:
  Groups(std::size_t count, std::size_t threads) {
    for (std::size_t rank = 0; rank < threads; rank += 2) {
      const std::size_t last = std::min(rank + 2, threads);
      stretches_.push_back({count * rank / threads, count * last / threads});
    }
  }

  std::optional<std::size_t> next(std::size_t rank) {
    const std::lock_guard lock(mutex_);
    SumRange& stretch = stretches_[rank / 2];
    if (stretch.begin == stretch.end) return {};
    return rank % 2 == 0 ? stretch.begin++ : --stretch.end;
  }

 private:
  std::mutex mutex_;
  std::vector<SumRange> stretches_;
};

}  // namespace

void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y) {
  add_shifted_upsamples({{s, g, {}}}, {}, y);
}

void add_shifted_upsamples(const std::vector<ShiftedProducts>& maps, const FillRows& fill,
                           float* y) {
  const std::vector<MapSums> sums(maps.begin(), maps.end());
  const ShiftedUpsample& s = maps.front().shape;
  const std::size_t parts = static_cast<std::size_t>(threads());
  Groups groups((s.oh + kRows - 1) / kRows, parts);
  parallel_for(parts, [&](std::size_t rank, std::size_t end) {
    std::vector<Walk> walks(sums.begin(), sums.end());
    for (; rank < end; ++rank) {
      while (const auto group = groups.next(rank)) {
        const std::size_t o = *group * kRows;
        const std::size_t count = std::min(kRows, s.oh - o);
        float* const rows = y + o * s.ow * s.y_pixel;
        if (fill) fill(o, o + count, rows);
        add_rows(walks, o, count, rows);
      }
    }
  });
}

void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg) {
  const std::size_t wide = s.ow * s.c;
  const std::size_t run = s.kernel * s.c;
  const WeightedSums up =
      backward_sums(bilinear_axis(s.h, s.oh, s.align), s.h, s.kernel, s.ow * s.y_pixel);
  const WeightedSums along = backward_sums(bilinear_axis(s.w, s.ow, s.align), s.w, s.kernel, s.c);
  parallel_for(s.h, [&](std::size_t begin, std::size_t end) {
    Workspace<float> row(wide);
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t t = 0; t < s.kernel; ++t) {
        sum_runs(up, r * s.kernel + t, {s.c, s.ow, s.y_pixel, s.c}, dy, row.data());
        // Sums of one pixel are neighbours; those of the next come after the other rows of taps.
        float* out = dg + r * s.w * s.kernel * run + t * run;
        for (std::size_t x = 0; x < s.w; ++x, out += s.kernel * run) {
          for (std::size_t u = 0; u < s.kernel; ++u) {
            sum_runs(along, x * s.kernel + u, {s.c, 1, 0, 0}, row.data(), out + u * s.c);
          }
        }
      }
    }
  });
}

}  // namespace tinct::cpu
