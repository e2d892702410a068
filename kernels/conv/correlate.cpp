// Direct correlation: which tiles there are, which taps each of them reads, and who computes them.
//
// Padding is neither stored nor multiplied: a tile at the border is computed in pieces, each with
// the taps that all of its pixels can read.
#include "kernels/conv/correlate.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/conv/panels.h"
#include "kernels/conv/tile.h"

namespace tinct::conv {
namespace {

using Index = std::ptrdiff_t;

struct Interval {
  Index begin = 0, end = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

Index floor_div(Index a, Index b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

// The integers i of [0, count) for which first + i * step lies in [0, size).
Interval inside(Index first, std::size_t step, std::size_t size, std::size_t count) {
  const Index s = static_cast<Index>(step);
  const Index n = static_cast<Index>(count);
  const Index begin = std::clamp<Index>(-floor_div(first, s), 0, n);
  const Index end = std::clamp<Index>(floor_div(static_cast<Index>(size) - 1 - first, s) + 1, 0, n);
  return begin < end ? Interval{begin, end} : Interval{0, 0};
}

// The first input of output o: negative, or beyond the last, where it lies in the padding.
Index first_input(const Axis& a, std::size_t o) {
  return static_cast<Index>(o * a.stride) - a.pad;
}

// Pixels of a tile and the horizontal taps that all of them read.
struct Piece {
  Interval pixels, taps;
};

// The first piece holds every pixel, even where no tap is common to all.
void cut(const Axis& a, std::size_t o, std::size_t count, std::vector<Piece>& pieces) {
  pieces.assign(1, Piece{{0, static_cast<Index>(count)}, {0, 0}});
  for (std::size_t tap = 0; tap < a.taps; ++tap) {
    const Index input = first_input(a, o) + static_cast<Index>(tap * a.dilation);
    const Interval pixels = inside(input, a.stride, a.in, count);
    const Index t = static_cast<Index>(tap);
    if (pixels == Interval{0, 0}) continue;
    if (pixels == pieces[0].pixels) {
      if (pieces[0].taps.end == 0) pieces[0].taps.begin = t;
      pieces[0].taps.end = t + 1;
    } else if (pieces.size() > 1 && pixels == pieces.back().pixels && pieces.back().taps.end == t) {
      pieces.back().taps.end = t + 1;
    } else {
      pieces.push_back({pixels, {t, t + 1}});
    }
  }
}

// Half of the second-level cache holds weights, the rest what streams past them.
std::size_t cache_for_weights() {
  static const std::size_t bytes = [] {
    const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return static_cast<std::size_t>(size > 0 ? size : 1 << 20) / 2;
  }();
  return bytes;
}

// A dense 1x1 correlation has no rows: all pixels of all images are one.
Correlation flattened(Correlation g) {
  const auto trivial = [](const Axis& a) { return a.taps == 1 && a.stride == 1 && a.pad == 0; };
  const bool dense = g.y_row == g.h.out * g.y_pixel && g.y_image == g.v.out * g.y_row;
  if (!trivial(g.v) || !trivial(g.h) || !dense || g.h.in != g.h.out || g.v.in != g.v.out) return g;
  g.h.in = g.h.out = g.n * g.v.out * g.h.out;
  g.n = g.v.in = g.v.out = 1;
  g.y_row = g.y_image = g.h.out * g.y_pixel;
  return g;
}

class Work {
 public:
  Work(const Correlation& g, const float* x, const Panels& w, const float* bias,
       Activation activation, float* y)
      : g_(flattened(g)),
        layout_(g_, w.few),
        x_(x),
        w_(w.data()),
        bias_(bias),
        y_(y),
        activation_(activation) {
    const std::size_t most = layout_.kernels->pixels[layout_.width(0)];
    tiles_ = (g_.h.out + most - 1) / most;
    rows_ = g_.n * g_.v.out;
    group_ = std::clamp<std::size_t>(cache_for_weights() / (layout_.panel_floats * sizeof(float)),
                                     1, layout_.panels);
    while (layout_.panels % group_ != 0) --group_;
  }

  // Panels that fit the cache together stay there while all pixels pass.
  std::size_t units() const { return layout_.panels / group_ * rows_ * tiles_; }

  void run(std::size_t begin, std::size_t end) const {
    std::vector<Piece> pieces;
    for (std::size_t unit = begin; unit < end; ++unit) {
      const std::size_t group = unit / (rows_ * tiles_);
      const std::size_t row = unit / tiles_ % rows_;
      const std::size_t tile = unit % tiles_;
      // Tiles differ by at most a pixel, so that none is too narrow to hide latencies.
      const std::size_t o = tile * g_.h.out / tiles_;
      const std::size_t count = (tile + 1) * g_.h.out / tiles_ - o;
      cut(g_.h, o, count, pieces);
      for (std::size_t i = 0; i < group_; ++i) compute(row, o, count, group * group_ + i, pieces);
    }
  }

 private:
  void compute(std::size_t row, std::size_t o, std::size_t count, std::size_t panel,
               const std::vector<Piece>& pieces) const {
    const std::size_t image = row / g_.v.out;
    const std::size_t oy = row % g_.v.out;
    const std::size_t width = layout_.width(panel);
    const Index tap_floats = static_cast<Index>(layout_.kernels->tap_floats(width, g_.c));
    const bool merge = g_.h.dilation == 1 && !layout_.kernels->vector_of_inputs;
    const bool fused =
        pieces.size() == 1 && activation_ != Activation::sigmoid && activation_ != Activation::tanh;
    const Index first_row = first_input(g_.v, oy);
    const Interval rows = inside(first_row, g_.v.dilation, g_.v.in, g_.v.taps);
    Tile t;
    t.x_pixel = g_.h.stride * g_.c;
    t.x_row = g_.v.dilation * g_.h.in * g_.c;
    t.x_tap = g_.h.dilation * g_.c;
    t.w_tap = static_cast<std::size_t>(tap_floats);
    t.w_row = g_.h.taps * t.w_tap;
    t.y_pixel = g_.y_pixel;
    t.channels = layout_.channels(panel);
    t.activation = fused ? activation_ : Activation::none;
    float* y = y_ + image * g_.y_image + oy * g_.y_row + o * g_.y_pixel + layout_.first(panel);
    const float* w = w_ + panel * layout_.panel_floats;
    for (const Piece& piece : pieces) {
      const std::size_t taps = static_cast<std::size_t>(piece.taps.end - piece.taps.begin);
      t.rows = taps == 0 ? 0 : static_cast<std::size_t>(rows.end - rows.begin);
      t.taps = merge ? 1 : taps;
      t.run = merge ? taps * g_.c : g_.c;
      if (t.rows > 0) {
        const Index input_row = first_row + rows.begin * static_cast<Index>(g_.v.dilation);
        const Index input = first_input(g_.h, o) +
                            piece.pixels.begin * static_cast<Index>(g_.h.stride) +
                            piece.taps.begin * static_cast<Index>(g_.h.dilation);
        const Index pixel =
            (static_cast<Index>(image * g_.v.in) + input_row) * static_cast<Index>(g_.h.in) + input;
        t.x = x_ + pixel * static_cast<Index>(g_.c);
        t.w = w + (rows.begin * static_cast<Index>(g_.h.taps) + piece.taps.begin) * tap_floats;
      }
      t.y = y + piece.pixels.begin * static_cast<Index>(g_.y_pixel);
      t.bias = &piece == pieces.data() ? bias_ + layout_.first(panel) : nullptr;
      layout_.kernels->kernel[width][piece.pixels.end - piece.pixels.begin](t);
    }
    if (!fused) activate(activation_, y, g_.y_pixel, count, t.channels);
  }

  Correlation g_;
  Layout layout_;
  const float* x_;
  const float* w_;
  const float* bias_;
  float* y_;
  Activation activation_;
  std::size_t tiles_ = 0, rows_ = 0, group_ = 0;
};

}  // namespace

void correlate(const Correlation& g, const float* x, const Panels& w, const float* bias,
               Activation activation, float* y) {
  if (g.v.out == 0 || g.h.out == 0) return;
  // Kernels read whole panels of bias.
  const Layout layout(g, w.few);
  Workspace<float> padded(layout.panels * layout.kernels->widths * layout.kernels->unit);
  std::fill_n(padded.data(), padded.size(), 0.0f);
  if (bias) std::copy_n(bias, g.k, padded.data());
  const Work work(g, x, w, padded.data(), activation, y);
  parallel_for(work.units(), [&](std::size_t begin, std::size_t end) { work.run(begin, end); });
}

}  // namespace tinct::conv
