// The windows of max and average pooling.
#pragma once

#include <cstddef>
#include <vector>

#include "core/shape.h"

namespace tinct {

/// How a pooling window moves; the default halves height and width.
struct PoolWindow {
  std::size_t kh = 2, kw = 2;
  std::size_t stride_h = 2, stride_w = 2;
  std::size_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  /// Round the output's extents up: a last window may reach over the padding's end, but starts
  /// inside the input or its leading padding (PyTorch's rule).
  bool ceil = false;
};

/// Indices [begin, end) of one axis.
struct PoolRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Pooling of x (n,h,w,c).
struct PoolShape {
  Shape x;
  PoolWindow window;

  std::size_t oh() const;
  std::size_t ow() const;
  Shape y() const { return {x.n, oh(), ow(), x.c}; }
  /// Throws std::invalid_argument, naming the operation, when an extent or a stride is zero, when
  /// the padding is not smaller than the window (a window could then hold nothing), or when the
  /// window is larger than the padded input.
  void check(const char* operation) const;

  /// For each output column, the input columns that its window holds.
  std::vector<PoolRange> window_columns() const;
  /// For each input column, the output columns whose windows hold it.
  std::vector<PoolRange> column_windows() const;
};

/// What window o of an axis of `extent` inputs holds.
inline PoolRange pool_range(std::size_t o, std::size_t extent, std::size_t kernel,
                            std::size_t stride, std::size_t pad) {
  const std::size_t begin = o * stride;  // in the padded axis
  const std::size_t end = begin + kernel - pad;
  return {begin > pad ? begin - pad : 0, end < extent ? end : extent};
}

/// The windows, of `outputs` on the axis, that hold input i.
inline PoolRange pool_windows(std::size_t i, std::size_t outputs, std::size_t kernel,
                              std::size_t stride, std::size_t pad) {
  const std::size_t at = i + pad;
  const std::size_t begin = at < kernel ? 0 : (at - kernel) / stride + 1;
  const std::size_t end = at / stride + 1;
  return {begin, end < outputs ? end : outputs};
}

}  // namespace tinct
