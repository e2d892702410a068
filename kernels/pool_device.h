// The windows of pooling, for kernels.
#pragma once

#include "core/simt/divide.h"
#include "core/simt/pack.h"
#include "kernels/pool_shape.h"

namespace tinct::gpu {

/// PoolShape in the device's own integers; a row is walked in packs of channels.
struct Pool {
  unsigned rows_in, rows_out;  // n h, n oh
  unsigned h, w, oh, ow;
  unsigned kh, kw, stride_h, pad_top, pad_left;
  Divisor stride_w;
  Divisor packs;  // of a pixel
};

inline Pool pool(const char* operation, const PoolShape& s, int width) {
  s.check(operation);
  const PoolWindow& p = s.window;
  small_index(operation, s.x.n * s.x.h);
  small_index(operation, (s.x.w + p.kw) * s.x.c);
  const auto u = [](std::size_t v) { return static_cast<unsigned>(v); };
  return {u(s.x.n * s.x.h),
          u(s.x.n * s.oh()),
          u(s.x.h),
          u(s.x.w),
          u(s.oh()),
          u(s.ow()),
          u(p.kh),
          u(p.kw),
          u(p.stride_h),
          u(p.pad_top),
          u(p.pad_left),
          Divisor(u(p.stride_w)),
          Divisor(u(s.x.c) / width)};
}

/// Indices [begin, end) of one axis.
struct Span {
  unsigned begin, end;
};

/// What window o holds of `extent` inputs.
__device__ inline Span window_span(unsigned o, unsigned extent, unsigned kernel, unsigned stride,
                                   unsigned pad) {
  const unsigned begin = o * stride, end = begin + kernel - pad;
  return {begin > pad ? begin - pad : 0, min(end, extent)};
}

/// The windows, of `outputs`, that hold input i.
__device__ inline Span windows_of_row(const Pool& p, unsigned y) {
  const unsigned at = y + p.pad_top;
  return {at < p.kh ? 0 : (at - p.kh) / p.stride_h + 1, min(at / p.stride_h + 1, p.oh)};
}
__device__ inline Span windows_of_column(const Pool& p, unsigned x) {
  const unsigned at = x + p.pad_left;
  return {at < p.kw ? 0 : p.stride_w.divide(at - p.kw) + 1, min(p.stride_w.divide(at) + 1, p.ow)};
}

}  // namespace tinct::gpu
