// Average pooling on the CPU: vectors over channels, threads over output rows, and over input rows
// on the way back, where each input gathers from the windows that hold it.
#include "kernels/average_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/average_pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
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

// Input rows [begin, end) of n h.
void backward_rows(const PoolShape& s, const AveragePoolPlan& plan, std::size_t begin,
                   std::size_t end, const float* dy, float* dx, bool stream) {
  const FloatTag d;
  const PoolWindow& p = s.window;
  const std::size_t c = s.x.c;
  const std::size_t ow = s.ow();
  const std::size_t oh = s.oh();
  dx += begin * s.x.w * c;
  for (std::size_t i = begin; i < end; ++i) {
    const float* const in = dy + i / s.x.h * (oh * ow * c);
    const PoolRange rows = pool_windows(i % s.x.h, oh, p.kh, p.stride_h, p.pad_top);
    for (std::size_t ix = 0; ix < s.x.w; ++ix, dx += c) {
      const PoolRange columns = plan.columns[ix];
      for_each_vector(c, stream, [&](std::size_t, auto load, auto store) HWY_ATTR {
        Floats sum = hn::Zero(d);
        for (std::size_t oy = rows.begin; oy < rows.end; ++oy) {
          const float* from = in + (oy * ow + columns.begin) * c;
          for (std::size_t ox = columns.begin; ox < columns.end; ++ox, from += c) {
            const Floats share = hn::Set(d, plan.row_share[oy] * plan.column_share[ox]);
            sum = hn::MulAdd(share, load(from), sum);
          }
        }
        store(sum, dx);
      });
    }
  }
  if (stream) hwy::FlushStream();
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
  const bool stream = stream_output(dx, s.x.size(), s.x.c);
  const auto run = HWY_DYNAMIC_DISPATCH(backward_rows);
  parallel_for(s.x.n * s.x.h, [&](std::size_t begin, std::size_t end) {
    run(s, plan, begin, end, dy, dx, stream);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
