// Max pooling on the CPU: vectors over channels, threads over output rows, and over input rows on
// the way back, where each input gathers from the windows that hold it.
#include "kernels/max_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/max_pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/staged_output-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

using IntTag = hn::RebindToSigned<FloatTag>;
using ByteTag = hn::Rebind<std::uint8_t, FloatTag>;
using Ints = hn::Vec<IntTag>;

// The maximum of one window, for one vector of channels. `load` reads a vector at a pointer.
template <bool kWhich, class Load>
HWY_INLINE Floats window_max(const PoolShape& s, const float* x, PoolRange rows, PoolRange columns,
                             std::size_t first, Load load, Ints& which) {
  const IntTag di;
  const std::size_t c = s.x.c;
  Floats best = load(x + (rows.begin * s.x.w + columns.begin) * c);
  which = hn::Set(di, static_cast<std::int32_t>(first));
  for (std::size_t iy = rows.begin; iy < rows.end; ++iy) {
    const float* p = x + (iy * s.x.w + columns.begin) * c;
    std::size_t position = first + (iy - rows.begin) * s.window.kw;
    for (std::size_t ix = columns.begin; ix < columns.end; ++ix, p += c, ++position) {
      const Floats v = load(p);
      const auto better = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
      best = hn::IfThenElse(better, v, best);
      if (kWhich) {
        const Ints here = hn::Set(di, static_cast<std::int32_t>(position));
        which = hn::IfThenElse(hn::RebindMask(di, better), here, which);
      }
    }
  }
  return best;
}

template <bool kWhich>
void forward_row(const PoolShape& s, std::size_t oy, const PoolRange* columns, const float* x,
                 float* y, std::uint8_t* which, bool stream) {
  const PoolWindow& p = s.window;
  const std::size_t c = s.x.c;
  const std::size_t ow = s.ow();
  const PoolRange rows = pool_range(oy, s.x.h, p.kh, p.stride_h, p.pad_top);
  const std::size_t first_row = rows.begin + p.pad_top - oy * p.stride_h;
  const ByteTag db;
  for (std::size_t ox = 0; ox < ow; ++ox, y += c, which += kWhich ? c : 0) {
    const PoolRange range = columns[ox];
    const std::size_t first = first_row * p.kw + range.begin + p.pad_left - ox * p.stride_w;
    for_each_vector(c, stream, [&](std::size_t k, auto load, auto store) HWY_ATTR {
      Ints position;
      store(window_max<kWhich>(s, x, rows, range, first, load, position), y);
      if (!kWhich) return;
      const auto bytes = hn::DemoteTo(db, position);
      if (k + hn::Lanes(db) <= c) {
        hn::StoreU(bytes, db, which + k);
      } else {
        store_first(db, bytes, which + k, c - k);
      }
    });
  }
}

// Output rows [begin, end) of n oh; `columns` are the windows' ranges along a row.
void forward_rows(const PoolShape& s, std::size_t begin, std::size_t end, const PoolRange* columns,
                  const float* x, float* y, std::uint8_t* which, bool stream) {
  const std::size_t oh = s.oh();
  const std::size_t row = s.ow() * s.x.c;
  const std::size_t picture = s.x.h * s.x.w * s.x.c;
  for (std::size_t i = begin; i < end; ++i) {
    const float* in = x + i / oh * picture;
    if (which) {
      forward_row<true>(s, i % oh, columns, in, y + i * row, which + i * row, stream);
    } else {
      forward_row<false>(s, i % oh, columns, in, y + i * row, nullptr, stream);
    }
  }
  if (stream) hwy::FlushStream();
}

// A row of windows that hold a row of inputs, and where in the window their row begins.
struct WindowRow {
  const std::uint8_t* which;
  const float* dy;
  std::size_t position;
};

// The windows of a WindowRow that hold one input: the first one's channels begin at `at`, and the
// input is the `position`-th of its row there; `step` less in each that follows.
struct WindowColumns {
  std::size_t count, at, position, step;
};

// dx of one input from kRows x kColumns windows; it reads and writes whole vectors, up to a vector
// less one number beyond each pixel.
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void gather(const WindowRow* rows, const WindowColumns& columns, std::size_t c,
                       float* dx) {
  const FloatTag d;
  const IntTag di;
  const ByteTag db;
  const std::uint8_t* which[kRows * kColumns];
  const float* dy[kRows * kColumns];
  Ints position[kRows * kColumns];
  for (std::size_t i = 0; i < kRows * kColumns; ++i) {
    const WindowRow& row = rows[i / kColumns];
    const std::size_t column = i % kColumns;
    which[i] = row.which + columns.at + column * c;
    dy[i] = row.dy + columns.at + column * c;
    position[i] = hn::Set(
        di, static_cast<std::int32_t>(row.position + columns.position - column * columns.step));
  }
  for (std::size_t k = 0; k < c; k += hn::Lanes(d)) {
    Floats sum = hn::Zero(d);
    for (std::size_t i = 0; i < kRows * kColumns; ++i) {
      const auto here = hn::Eq(hn::PromoteTo(di, hn::LoadU(db, which[i] + k)), position[i]);
      sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(d, here), hn::LoadU(d, dy[i] + k)));
    }
    hn::StoreU(sum, d, dx + k);
  }
}

// The same from any number of windows; it reads nothing beyond their c numbers.
HWY_INLINE void gather_any(const WindowRow* rows, std::size_t row_count,
                           const WindowColumns& columns, std::size_t c, float* dx) {
  const FloatTag d;
  const IntTag di;
  const ByteTag db;
  for (std::size_t k = 0; k < c; k += hn::Lanes(d)) {
    Floats sum = hn::Zero(d);
    for (std::size_t r = 0; r < row_count; ++r) {
      for (std::size_t j = 0; j < columns.count; ++j) {
        const std::size_t at = columns.at + j * c + k;
        const std::size_t position = rows[r].position + columns.position - j * columns.step;
        const auto here = hn::Eq(hn::PromoteTo(di, load_first(db, rows[r].which + at, c - k)),
                                 hn::Set(di, static_cast<std::int32_t>(position)));
        sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(d, here),
                                              load_first(d, rows[r].dy + at, c - k)));
      }
    }
    hn::StoreU(sum, d, dx + k);
  }
}

// dx of a row of inputs from kRows rows of windows, or from any number where kRows is zero.
template <std::size_t kRows>
void backward_row(const PoolShape& s, const PoolRange* ranges, const WindowRow* rows,
                  std::size_t row_count, StagedOutput& out) {
  const std::size_t c = s.x.c;
  const std::size_t width = s.x.w;
  for (std::size_t ix = 0; ix < width; ++ix) {
    const PoolRange range = ranges[ix];
    const WindowColumns columns{range.end - range.begin, range.begin * c,
                                ix + s.window.pad_left - range.begin * s.window.stride_w,
                                s.window.stride_w};
    if (kRows > 0 && columns.count == 1) {
      gather<HWY_MAX(kRows, 1), 1>(rows, columns, c, out.next());
    } else if (kRows > 0 && columns.count == 2) {
      gather<HWY_MAX(kRows, 1), 2>(rows, columns, c, out.next());
    } else {
      gather_any(rows, row_count, columns, c, out.next());
    }
    out.add(c);
  }
}

// Input rows [begin, end) of n h; `ranges` are the windows that hold each input of a row.
void backward_rows(const PoolShape& s, std::size_t begin, std::size_t end, const PoolRange* ranges,
                   const std::uint8_t* which, const float* dy, float* dx, bool stream) {
  const PoolWindow& p = s.window;
  const std::size_t oh = s.oh();
  const std::size_t row_size = s.ow() * s.x.c;
  const std::size_t size = s.y().size();
  const std::size_t lanes = hn::Lanes(FloatTag());
  WindowRow rows[kMaxPoolWindow];
  StagedOutput out(dx + begin * s.x.w * s.x.c, s.x.c, stream);
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t iy = i % s.x.h;
    const std::size_t picture = i / s.x.h * oh;
    const PoolRange range = pool_windows(iy, oh, p.kh, p.stride_h, p.pad_top);
    for (std::size_t oy = range.begin; oy < range.end; ++oy) {
      const std::size_t at = (picture + oy) * row_size;
      rows[oy - range.begin] = {which + at, dy + at, (iy + p.pad_top - oy * p.stride_h) * p.kw};
    }
    const std::size_t count = range.end - range.begin;
    // Whether whole vectors stay inside dy even behind the last pixel of these rows.
    const bool whole = (picture + range.end) * row_size + lanes - 1 <= size;
    if (count == 1 && whole) {
      backward_row<1>(s, ranges, rows, count, out);
    } else if (count == 2 && whole) {
      backward_row<2>(s, ranges, rows, count, out);
    } else {
      backward_row<0>(s, ranges, rows, count, out);
    }
  }
  out.finish();
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <vector>

#include "core/threads.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(forward_rows);
HWY_EXPORT(backward_rows);

void max_pool(const PoolShape& s, const float* x, float* y, std::uint8_t* which) {
  const std::vector<PoolRange> columns = s.window_columns();
  const bool stream = stream_output(y, s.y().size(), s.x.c);
  const auto run = HWY_DYNAMIC_DISPATCH(forward_rows);
  parallel_for(s.x.n * s.oh(), [&](std::size_t begin, std::size_t end) {
    run(s, begin, end, columns.data(), x, y, which, stream);
  });
}

void max_pool_backward(const PoolShape& s, const std::uint8_t* which, const float* dy, float* dx) {
  const std::vector<PoolRange> columns = s.column_windows();
  const bool stream = stream_output(dx, s.x.size());
  const auto run = HWY_DYNAMIC_DISPATCH(backward_rows);
  parallel_for(s.x.n * s.x.h, [&](std::size_t begin, std::size_t end) {
    run(s, begin, end, columns.data(), which, dy, dx, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
