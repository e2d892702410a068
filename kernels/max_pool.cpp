// Max pooling on the CPU: vectors over channels, threads over output rows, and over input rows on
// the way back, where each input gathers from the windows that hold it.
#include "kernels/max_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/max_pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
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

// dx of input row iy; dy and which are the picture's.
void backward_row(const PoolShape& s, std::size_t iy, const PoolRange* columns,
                  const std::uint8_t* which, const float* dy, float* dx, bool stream) {
  const FloatTag d;
  const IntTag di;
  const ByteTag db;
  const PoolWindow& p = s.window;
  const std::size_t c = s.x.c;
  const std::size_t ow = s.ow();
  const PoolRange rows = pool_windows(iy, s.oh(), p.kh, p.stride_h, p.pad_top);
  for (std::size_t ix = 0; ix < s.x.w; ++ix, dx += c) {
    const PoolRange range = columns[ix];
    for_each_vector(c, stream, [&](std::size_t k, auto load, auto store) HWY_ATTR {
      Floats sum = hn::Zero(d);
      for (std::size_t oy = rows.begin; oy < rows.end; ++oy) {
        const std::size_t ky = iy + p.pad_top - oy * p.stride_h;
        for (std::size_t ox = range.begin; ox < range.end; ++ox) {
          const std::size_t position = ky * p.kw + ix + p.pad_left - ox * p.stride_w;
          const std::size_t at = (oy * ow + ox) * c;
          const auto chosen = k + hn::Lanes(db) <= c ? hn::LoadU(db, which + at + k)
                                                     : load_first(db, which + at + k, c - k);
          const auto here =
              hn::Eq(hn::PromoteTo(di, chosen), hn::Set(di, static_cast<std::int32_t>(position)));
          sum = hn::Add(sum, hn::IfThenElseZero(hn::RebindMask(d, here), load(dy + at)));
        }
      }
      store(sum, dx);
    });
  }
}

// Input rows [begin, end) of n h; `columns` are the windows that hold each input of a row.
void backward_rows(const PoolShape& s, std::size_t begin, std::size_t end, const PoolRange* columns,
                   const std::uint8_t* which, const float* dy, float* dx, bool stream) {
  const std::size_t row = s.x.w * s.x.c;
  const std::size_t picture = s.oh() * s.ow() * s.x.c;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t from = i / s.x.h * picture;
    backward_row(s, i % s.x.h, columns, which + from, dy + from, dx + i * row, stream);
  }
  if (stream) hwy::FlushStream();
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
  const bool stream = stream_output(dx, s.x.size(), s.x.c);
  const auto run = HWY_DYNAMIC_DISPATCH(backward_rows);
  parallel_for(s.x.n * s.x.h, [&](std::size_t begin, std::size_t end) {
    run(s, begin, end, columns.data(), which, dy, dx, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
