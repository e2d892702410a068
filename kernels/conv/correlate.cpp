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
  if (b == 1) return a;  // the rule; a division takes as long as forty multiply-adds
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

// Whether `count` outputs from o can read all taps.
bool read_all(const Axis& a, std::size_t o, std::size_t count) {
  const Index reach = static_cast<Index>((count - 1) * a.stride + (a.taps - 1) * a.dilation);
  return first_input(a, o) >= 0 && first_input(a, o) + reach < static_cast<Index>(a.in);
}

// The first piece holds every pixel, even where no tap is common to all.
void cut(const Axis& a, std::size_t o, std::size_t count, std::vector<Piece>& pieces) {
  pieces.assign(1, Piece{{0, static_cast<Index>(count)}, {0, 0}});
  if (read_all(a, o, count)) {
    pieces[0].taps.end = static_cast<Index>(a.taps);
    return;
  }
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

// Neighbouring tiles are computed in one call, as many as make up for what a call costs, and so few
// that their inputs stay in the first-level cache for the next panel.
constexpr std::size_t kStripSteps = 512;

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
        merge_taps_(g_.h.dilation == 1 && layout_.kernels->whole_steps(g_.c)),
        x_(x),
        w_(w.data()),
        bias_(bias),
        y_(y),
        activation_(activation) {
    const std::size_t most = layout_.kernels->pixels[layout_.width(0)];
    tiles_ = (g_.h.out + most - 1) / most;
    width_ = g_.h.out / tiles_;
    wider_ = g_.h.out % tiles_;
    const std::size_t steps = g_.v.taps * g_.h.taps * layout_.kernels->steps(g_.c);
    strip_tiles_ = std::clamp<std::size_t>(kStripSteps / steps, 1, tiles_);
    strips_ = (tiles_ + strip_tiles_ - 1) / strip_tiles_;
    rows_ = g_.n * g_.v.out;
    const std::size_t fitting = cache_for_weights() / (layout_.panel_floats * sizeof(float));
    group_ = std::clamp<std::size_t>(fitting, 1, layout_.panels);
    while (layout_.panels % group_ != 0) --group_;
  }

  // Panels that fit the cache together stay there while all pixels pass.
  std::size_t units() const { return layout_.panels / group_ * rows_ * strips_; }

  void run(std::size_t begin, std::size_t end) const {
    std::vector<Piece> pieces;
    std::vector<Call> calls;
    std::size_t strip = begin % strips_;
    std::size_t row = begin / strips_ % rows_;
    std::size_t group = begin / strips_ / rows_;
    for (std::size_t unit = begin; unit < end; ++unit) {
      const std::size_t last = std::min(tiles_, (strip + 1) * strip_tiles_);
      for (std::size_t tile = strip * strip_tiles_; tile < last;) {
        const std::size_t count = pixels(tile);
        const std::size_t alike = equal_tiles(tile, last);
        cut(g_.h, first_pixel(tile), count, pieces);
        prepare(row, first_pixel(tile), pieces, alike, calls);
        for (std::size_t i = 0; i < group_; ++i) compute(group * group_ + i, count, calls);
        tile += alike;
      }
      if (++strip == strips_) {
        strip = 0;
        if (++row == rows_) {
          row = 0;
          ++group;
        }
      }
    }
  }

 private:
  // A piece on its way to the kernel; the panel is filled in later.
  struct Call {
    Tile tile;
    std::size_t pixels = 0;
    std::size_t tap = 0;  // the first
  };

  // Tiles differ by at most a pixel, so that none is too narrow to hide latencies.
  std::size_t first_pixel(std::size_t tile) const { return tile * width_ + std::min(tile, wider_); }
  std::size_t pixels(std::size_t tile) const { return width_ + (tile < wider_ ? 1 : 0); }

  // The tiles from `tile` on, up to `last`, that one call can compute.
  std::size_t equal_tiles(std::size_t tile, std::size_t last) const {
    const std::size_t count = pixels(tile);
    std::size_t end = tile;
    while (end < last && pixels(end) == count && read_all(g_.h, first_pixel(end), count)) ++end;
    return std::max<std::size_t>(end - tile, 1);
  }

  void prepare(std::size_t row, std::size_t o, const std::vector<Piece>& pieces, std::size_t tiles,
               std::vector<Call>& calls) const {
    const std::size_t image = row / g_.v.out;
    const std::size_t oy = row % g_.v.out;
    const Index first_row = first_input(g_.v, oy);
    const Interval rows = inside(first_row, g_.v.dilation, g_.v.in, g_.v.taps);
    float* y = y_ + image * g_.y_image + oy * g_.y_row + o * g_.y_pixel;
    calls.clear();
    for (const Piece& piece : pieces) {
      Call& call = calls.emplace_back();
      Tile& t = call.tile;
      t.count = tiles;
      call.pixels = static_cast<std::size_t>(piece.pixels.end - piece.pixels.begin);
      const std::size_t taps = static_cast<std::size_t>(piece.taps.end - piece.taps.begin);
      t.x_pixel = g_.h.stride * g_.c;
      t.x_row = g_.v.dilation * g_.h.in * g_.c;
      t.x_tap = g_.h.dilation * g_.c;
      t.y = y + piece.pixels.begin * static_cast<Index>(g_.y_pixel);
      t.y_pixel = g_.y_pixel;
      t.rows = taps == 0 ? 0 : static_cast<std::size_t>(rows.end - rows.begin);
      t.taps = merge_taps_ ? 1 : taps;
      t.run = merge_taps_ ? taps * g_.c : g_.c;
      if (t.rows == 0) continue;
      const Index input_row = first_row + rows.begin * static_cast<Index>(g_.v.dilation);
      const Index input = first_input(g_.h, o) +
                          piece.pixels.begin * static_cast<Index>(g_.h.stride) +
                          piece.taps.begin * static_cast<Index>(g_.h.dilation);
      const Index pixel =
          (static_cast<Index>(image * g_.v.in) + input_row) * static_cast<Index>(g_.h.in) + input;
      t.x = x_ + pixel * static_cast<Index>(g_.c);
      call.tap = static_cast<std::size_t>(rows.begin) * g_.h.taps +
                 static_cast<std::size_t>(piece.taps.begin);
    }
  }

  void compute(std::size_t panel, std::size_t count, std::vector<Call>& calls) const {
    const std::size_t first = layout_.first(panel);
    const std::size_t width = layout_.width(panel);
    const std::size_t tap_floats = layout_.kernels->tap_floats(width, g_.c);
    const bool fused =
        calls.size() == 1 && activation_ != Activation::sigmoid && activation_ != Activation::tanh;
    const float* bias = bias_ + first;
    for (Call& call : calls) {
      Tile t = call.tile;
      t.w = w_ + panel * layout_.panel_floats + call.tap * tap_floats;
      t.w_tap = tap_floats;
      t.w_row = g_.h.taps * tap_floats;
      t.y += first;
      t.channels = layout_.channels(panel);
      t.bias = bias;
      t.activation = fused ? activation_ : Activation::none;
      layout_.kernels->kernel[width][call.pixels](t);
      bias = nullptr;  // the pieces that follow add to the first
    }
    if (!fused) {
      activate(activation_, calls[0].tile.y + first, g_.y_pixel, count * calls[0].tile.count,
               layout_.channels(panel));
    }
  }

  Correlation g_;
  Layout layout_;
  bool merge_taps_;
  const float* x_;
  const float* w_;
  const float* bias_;
  float* y_;
  Activation activation_;
  std::size_t tiles_ = 0, strip_tiles_ = 0, strips_ = 0;  // of a row
  std::size_t width_ = 0, wider_ = 0;                     // of a tile; tiles with a pixel more
  std::size_t rows_ = 0, group_ = 0;                      // of all images; of panels
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
