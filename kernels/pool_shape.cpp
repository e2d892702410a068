// The windows of max and average pooling.
#include "kernels/pool_shape.h"

#include <stdexcept>
#include <string>

namespace tinct {
namespace {

std::size_t outputs(std::size_t extent, std::size_t kernel, std::size_t stride, std::size_t before,
                    std::size_t after, bool ceil) {
  const std::size_t room = extent + before + after - kernel;
  if (!ceil) return room / stride + 1;
  const std::size_t count = (room + stride - 1) / stride + 1;
  return (count - 1) * stride >= extent + before ? count - 1 : count;
}

}  // namespace

std::size_t PoolShape::oh() const {
  return outputs(x.h, window.kh, window.stride_h, window.pad_top, window.pad_bottom, window.ceil);
}

std::size_t PoolShape::ow() const {
  return outputs(x.w, window.kw, window.stride_w, window.pad_left, window.pad_right, window.ceil);
}

void PoolShape::check(const char* operation) const {
  const PoolWindow& p = window;
  const auto fail = [&](const char* reason) {
    throw std::invalid_argument(std::string(operation) + ": input " + to_string(x) + ", window " +
                                std::to_string(p.kh) + "x" + std::to_string(p.kw) + ": " + reason);
  };
  for (const std::size_t extent : {x.n, x.h, x.w, x.c, p.kh, p.kw, p.stride_h, p.stride_w}) {
    if (extent == 0) fail("an extent or a stride is zero");
  }
  if (p.pad_top >= p.kh || p.pad_bottom >= p.kh || p.pad_left >= p.kw || p.pad_right >= p.kw) {
    fail("the padding is not smaller than the window");
  }
  if (x.h + p.pad_top + p.pad_bottom < p.kh || x.w + p.pad_left + p.pad_right < p.kw) {
    fail("the window is larger than the padded input");
  }
}

std::vector<PoolRange> PoolShape::window_columns() const {
  std::vector<PoolRange> ranges(ow());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i] = pool_range(i, x.w, window.kw, window.stride_w, window.pad_left);
  }
  return ranges;
}

std::vector<PoolRange> PoolShape::column_windows() const {
  std::vector<PoolRange> ranges(x.w);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ranges[i] = pool_windows(i, ow(), window.kw, window.stride_w, window.pad_left);
  }
  return ranges;
}

}  // namespace tinct
