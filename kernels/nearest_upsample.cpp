// Nearest-neighbour resizing on the CPU: a row at a time; output rows that show the same input row
// are copied from the first of them, and gradients of an input row are summed before its columns.
// Bytes: forward reads x and writes y, backward reads dy and writes dx.
#include "kernels/nearest_upsample.h"

#include <algorithm>
#include <vector>

#include "core/memory.h"
#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nearest_upsample.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// Both walk a row of pixels, input pixel i being outputs [first[i], first[i + 1]). `Channels` is
// the number of channels where that is small, else 0; `Times` the number of outputs an input where
// that is the same throughout and small, else 0: constants let the compiler make shuffles of the
// inner loops.

template <std::size_t Channels, std::size_t Times>
HWY_INLINE void repeat(const std::vector<std::size_t>& first, std::size_t channels,
                       const float* HWY_RESTRICT row, float* HWY_RESTRICT y) {
  const std::size_t c = Channels ? Channels : channels;
  const std::size_t width = first.size() - 1;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t times = Times ? Times : first[i + 1] - first[i];
    for (std::size_t o = 0; o < times; ++o) {
      for (std::size_t k = 0; k < c; ++k) y[o * c + k] = row[i * c + k];
    }
    y += times * c;
  }
}

template <std::size_t Channels, std::size_t Times>
HWY_INLINE void sum(const std::vector<std::size_t>& first, std::size_t channels,
                    const float* HWY_RESTRICT row, float* HWY_RESTRICT dx) {
  const std::size_t c = Channels ? Channels : channels;
  const std::size_t width = first.size() - 1;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t times = Times ? Times : first[i + 1] - first[i];
    for (std::size_t k = 0; k < c; ++k) dx[i * c + k] = times ? row[k] : 0;
    for (std::size_t o = 1; o < times; ++o) {
      for (std::size_t k = 0; k < c; ++k) dx[i * c + k] += row[o * c + k];
    }
    row += times * c;
  }
}

void repeat_row(const std::vector<std::size_t>& first, std::size_t c, const float* row, float* y) {
  const bool doubles = first.back() == 2 * (first.size() - 1);
  if (doubles && c == 1) return repeat<1, 2>(first, c, row, y);
  if (doubles && c == 2) return repeat<2, 2>(first, c, row, y);
  if (doubles && c == 3) return repeat<3, 2>(first, c, row, y);
  repeat<0, 0>(first, c, row, y);
}

void sum_columns(const std::vector<std::size_t>& first, std::size_t c, const float* row,
                 float* dx) {
  const bool doubles = first.back() == 2 * (first.size() - 1);
  if (doubles && c == 1) return sum<1, 2>(first, c, row, dx);
  if (doubles && c == 2) return sum<2, 2>(first, c, row, dx);
  if (doubles && c == 3) return sum<3, 2>(first, c, row, dx);
  sum<0, 0>(first, c, row, dx);
}

void sum_rows(std::size_t count, std::size_t rows, const float* HWY_RESTRICT dy,
              float* HWY_RESTRICT sum) {
  if (rows == 2) {
    for (std::size_t i = 0; i < count; ++i) sum[i] = dy[i] + dy[count + i];
    return;
  }
  for (std::size_t i = 0; i < count; ++i) sum[i] = 0;
  for (std::size_t r = 0; r < rows; ++r, dy += count) {
    for (std::size_t i = 0; i < count; ++i) sum[i] += dy[i];
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(repeat_row);
HWY_EXPORT(sum_rows);
HWY_EXPORT(sum_columns);

// Where each input pixel begins to show: floor(o in / out) >= i from o = ceil(i out / in) on.
std::vector<std::size_t> first_outputs(std::size_t in, std::size_t out) {
  std::vector<std::size_t> first;
  for (std::size_t i = 0; i <= in; ++i) first.push_back((i * out + in - 1) / in);
  return first;
}

}  // namespace

void nearest_upsample(const Shape& s, std::size_t oh, std::size_t ow, const float* x, float* y) {
  const std::vector<std::size_t> rows = first_outputs(s.h, oh);
  const std::vector<std::size_t> columns = first_outputs(s.w, ow);
  const std::size_t width = ow * s.c;
  parallel_for(s.n * s.h, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t first = rows[i % s.h];
      const std::size_t last = rows[i % s.h + 1];
      if (first == last) continue;  // shrinking skips rows
      float* out = y + (i / s.h * oh + first) * width;
      HWY_DYNAMIC_DISPATCH(repeat_row)(columns, s.c, x + i * s.w * s.c, out);
      for (std::size_t o = 1; o < last - first; ++o) std::copy_n(out, width, out + o * width);
    }
  });
}

void nearest_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, const float* dy,
                               float* dx) {
  const std::vector<std::size_t> rows = first_outputs(s.h, oh);
  const std::vector<std::size_t> columns = first_outputs(s.w, ow);
  const std::size_t width = ow * s.c;
  parallel_for(s.n * s.h, [&](std::size_t begin, std::size_t end) {
    Workspace<float> sum(width);
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t first = rows[i % s.h];
      HWY_DYNAMIC_DISPATCH(sum_rows)
      (width, rows[i % s.h + 1] - first, dy + (i / s.h * oh + first) * width, sum.data());
      HWY_DYNAMIC_DISPATCH(sum_columns)(columns, s.c, sum.data(), dx + i * s.w * s.c);
    }
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
