// Average pooling on the CPU: vectors over channels, threads over output rows, and over input rows
// on the way back, where each input gathers from the windows that hold it.
#include "kernels/average_pool.h"

#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/average_pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/staged_output-inl.h"
// clang-format on

#ifndef TINCT_AVERAGE_POOL_PLAN
#define TINCT_AVERAGE_POOL_PLAN
namespace tinct {

// Along one row: which pixels each pixel of the result sums, and one over the divisors of the
// windows' rows and columns.
struct AveragePoolPlan {
  const PoolRange* columns;
  const float *row_share, *column_share;
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

// Output rows [begin, end) of n oh.
void forward_rows(const PoolShape& s, const AveragePoolPlan& plan, std::size_t begin,
                  std::size_t end, const float* x, float* y, bool stream) {
  const FloatTag d;
  const PoolWindow& p = s.window;
  const std::size_t c = s.x.c;
  const std::size_t oh = s.oh();
  const std::size_t ow = s.ow();
  y += begin * ow * c;
  for (std::size_t i = begin; i < end; ++i) {
    const float* const in = x + i / oh * (s.x.h * s.x.w * c);
    const PoolRange rows = pool_range(i % oh, s.x.h, p.kh, p.stride_h, p.pad_top);
    for (std::size_t ox = 0; ox < ow; ++ox, y += c) {
      const PoolRange columns = plan.columns[ox];
      const float share = plan.row_share[i % oh] * plan.column_share[ox];
      for_each_vector(c, stream, [&](std::size_t, auto load, auto store) HWY_ATTR {
        Floats sum = hn::Zero(d);
        for (std::size_t iy = rows.begin; iy < rows.end; ++iy) {
          const float* from = in + (iy * s.x.w + columns.begin) * c;
          for (std::size_t ix = columns.begin; ix < columns.end; ++ix, from += c) {
            sum = hn::Add(sum, load(from));
          }
        }
        store(hn::Mul(sum, hn::Set(d, share)), y);
      });
    }
  }
  if (stream) hwy::FlushStream();
}

// A row of windows that hold a row of inputs, and its part of their shares.
struct WindowRow {
  const float* dy;
  float share;
};

// The windows of a WindowRow that hold one input: the first one's channels begin at `at`.
struct WindowColumns {
  std::size_t count, at;
  const float* shares;
};

// dx of one input from kRows x kColumns windows; it reads and writes whole vectors, up to a vector
// less one number beyond each pixel.
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void gather(const WindowRow* rows, const WindowColumns& columns, std::size_t c,
                       float* dx) {
  const FloatTag d;
  const float* dy[kRows * kColumns];
  Floats share[kRows * kColumns];
  for (std::size_t i = 0; i < kRows * kColumns; ++i) {
    const std::size_t column = i % kColumns;
    dy[i] = rows[i / kColumns].dy + columns.at + column * c;
    share[i] = hn::Set(d, rows[i / kColumns].share * columns.shares[column]);
  }
  for (std::size_t k = 0; k < c; k += hn::Lanes(d)) {
    Floats sum = hn::Zero(d);
    for (std::size_t i = 0; i < kRows * kColumns; ++i) {
      sum = hn::MulAdd(share[i], hn::LoadU(d, dy[i] + k), sum);
    }
    hn::StoreU(sum, d, dx + k);
  }
}

// The same from any number of windows; it reads nothing beyond their c numbers.
HWY_INLINE void gather_any(const std::vector<WindowRow>& rows, const WindowColumns& columns,
                           std::size_t c, float* dx) {
  const FloatTag d;
  for (std::size_t k = 0; k < c; k += hn::Lanes(d)) {
    Floats sum = hn::Zero(d);
    for (const WindowRow& row : rows) {
      for (std::size_t j = 0; j < columns.count; ++j) {
        const Floats share = hn::Set(d, row.share * columns.shares[j]);
        sum = hn::MulAdd(share, load_first(d, row.dy + columns.at + j * c + k, c - k), sum);
      }
    }
    hn::StoreU(sum, d, dx + k);
  }
}

// dx of a row of inputs from kRows rows of windows, or from any number where kRows is zero.
template <std::size_t kRows>
void backward_row(const PoolShape& s, const AveragePoolPlan& plan,
                  const std::vector<WindowRow>& rows, StagedOutput& out) {
  const std::size_t c = s.x.c;
  const std::size_t width = s.x.w;
  for (std::size_t ix = 0; ix < width; ++ix) {
    const PoolRange range = plan.columns[ix];
    const WindowColumns columns{range.end - range.begin, range.begin * c,
                                plan.column_share + range.begin};
    if (kRows > 0 && columns.count == 1) {
      gather<HWY_MAX(kRows, 1), 1>(rows.data(), columns, c, out.next());
    } else if (kRows > 0 && columns.count == 2) {
      gather<HWY_MAX(kRows, 1), 2>(rows.data(), columns, c, out.next());
    } else {
      gather_any(rows, columns, c, out.next());
    }
    out.add(c);
  }
}

// Input rows [begin, end) of n h.
void backward_rows(const PoolShape& s, const AveragePoolPlan& plan, std::size_t begin,
                   std::size_t end, const float* dy, float* dx, bool stream) {
  const PoolWindow& p = s.window;
  const std::size_t oh = s.oh();
  const std::size_t row_size = s.ow() * s.x.c;
  const std::size_t size = s.y().size();
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::vector<WindowRow> rows;
  StagedOutput out(dx + begin * s.x.w * s.x.c, s.x.c, stream);
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t picture = i / s.x.h * oh;
    const PoolRange range = pool_windows(i % s.x.h, oh, p.kh, p.stride_h, p.pad_top);
    rows.clear();
    for (std::size_t oy = range.begin; oy < range.end; ++oy) {
      rows.push_back({dy + (picture + oy) * row_size, plan.row_share[oy]});
    }
    // Whether whole vectors stay inside dy even behind the last pixel of these rows.
    const bool whole = (picture + range.end) * row_size + lanes - 1 <= size;
    if (rows.size() == 1 && whole) {
      backward_row<1>(s, plan, rows, out);
    } else if (rows.size() == 2 && whole) {
      backward_row<2>(s, plan, rows, out);
    } else {
      backward_row<0>(s, plan, rows, out);
    }
  }
  out.finish();
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/threads.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(forward_rows);
HWY_EXPORT(backward_rows);

namespace {

std::vector<float> inverse(const std::vector<std::size_t>& divisors) {
  std::vector<float> shares;
  for (const std::size_t divisor : divisors) shares.push_back(1 / static_cast<float>(divisor));
  return shares;
}

}  // namespace

void average_pool(const PoolShape& s, bool count_include_pad, const float* x, float* y) {
  const PoolDivisors divisors = average_pool_divisors(s, count_include_pad);
  const std::vector<PoolRange> columns = s.window_columns();
  const std::vector<float> row_share = inverse(divisors.rows);
  const std::vector<float> column_share = inverse(divisors.columns);
  const AveragePoolPlan plan{columns.data(), row_share.data(), column_share.data()};
  const bool stream = stream_output(y, s.y().size(), s.x.c);
  const auto run = HWY_DYNAMIC_DISPATCH(forward_rows);
  parallel_for(s.x.n * s.oh(),
               [&](std::size_t begin, std::size_t end) { run(s, plan, begin, end, x, y, stream); });
}

void average_pool_backward(const PoolShape& s, bool count_include_pad, const float* dy, float* dx) {
  const PoolDivisors divisors = average_pool_divisors(s, count_include_pad);
  const std::vector<PoolRange> columns = s.column_windows();
  const std::vector<float> row_share = inverse(divisors.rows);
  const std::vector<float> column_share = inverse(divisors.columns);
  const AveragePoolPlan plan{columns.data(), row_share.data(), column_share.data()};
  const bool stream = stream_output(dx, s.x.size());
  const auto run = HWY_DYNAMIC_DISPATCH(backward_rows);
  parallel_for(s.x.n * s.x.h, [&](std::size_t begin, std::size_t end) {
    run(s, plan, begin, end, dy, dx, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
