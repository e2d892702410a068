// Rearranging weights into panels.
#include "kernels/conv/panels.h"

#include <algorithm>

#include "core/memory.h"
#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/panels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::conv::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// to[c * width + k] = from[k * distance + c] for c < 4 and k < 4.
HWY_INLINE void transpose_4x4(const float* from, std::ptrdiff_t distance, std::size_t width,
                              float* to) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> d64;
  const auto a = hn::LoadU(d, from);
  const auto b = hn::LoadU(d, from + distance);
  const auto c = hn::LoadU(d, from + 2 * distance);
  const auto e = hn::LoadU(d, from + 3 * distance);
  const auto ab0 = hn::BitCast(d64, hn::InterleaveLower(d, a, b));
  const auto ab1 = hn::BitCast(d64, hn::InterleaveUpper(d, a, b));
  const auto ce0 = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
  const auto ce1 = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, ab0, ce0)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, ab0, ce0)), d, to + width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, ab1, ce1)), d, to + 2 * width);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, ab1, ce1)), d, to + 3 * width);
}
#endif

// to[c * width + k] = from[k * distance + c] for c < inputs and k < channels; zero up to width.
void transpose(const float* from, std::ptrdiff_t distance, std::size_t channels, std::size_t inputs,
               std::size_t width, float* to) {
  std::size_t done_k = 0, done_c = 0;
#if HWY_TARGET != HWY_SCALAR
  done_k = channels / 4 * 4;
  done_c = inputs / 4 * 4;
  // A cache line of each channel at a time, so that what is written stays in the first-level cache.
  constexpr std::size_t kPiece = 16;
  for (std::size_t piece = 0; piece < done_c; piece += kPiece) {
    const std::size_t end = std::min(piece + kPiece, done_c);
    for (std::size_t k = 0; k < done_k; k += 4) {
      const float* row = from + static_cast<std::ptrdiff_t>(k) * distance;
      for (std::size_t c = piece; c < end; c += 4) {
        transpose_4x4(row + c, distance, width, to + c * width + k);
      }
    }
  }
#endif
  for (std::size_t k = 0; k < width; ++k) {
    const float* row = from + static_cast<std::ptrdiff_t>(k) * distance;
    for (std::size_t c = k < done_k ? done_c : 0; c < inputs; ++c) {
      to[c * width + k] = k < channels ? row[c] : 0.0f;
    }
  }
}

}  // namespace
}  // namespace tinct::conv::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::conv {
namespace {

HWY_EXPORT(transpose);

// One tap of a panel of vectors of output channels.
void pack_many(const WeightView& w, const float* from, std::size_t channels, std::size_t inputs,
               std::size_t width, float* to) {
  if (w.dc == 1) {
    HWY_DYNAMIC_DISPATCH(transpose)(from, w.dk, channels, inputs, width, to);
    return;
  }
  for (std::size_t c = 0; c < inputs; ++c) {
    const float* row = from + static_cast<std::ptrdiff_t>(c) * w.dc;
    std::copy_n(row, channels, to + c * width);
    std::fill_n(to + c * width + channels, width - channels, 0.0f);
  }
}

// One tap of a panel of single output channels.
void pack_few(const WeightView& w, const float* from, std::size_t channels, std::size_t inputs,
              std::size_t lanes, float* to) {
  for (std::size_t begin = 0; begin < inputs; begin += lanes) {
    const std::size_t first = std::min(begin, inputs - lanes);
    for (std::size_t k = 0; k < channels; ++k) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t c = first + lane;
        const std::ptrdiff_t at =
            static_cast<std::ptrdiff_t>(k) * w.dk + static_cast<std::ptrdiff_t>(c) * w.dc;
        *to++ = c < begin ? 0.0f : from[at];
      }
    }
  }
}

// Which layout costs fewer multiply-adds a pixel, summing across lanes counted.
bool few_is_better(const Correlation& g) {
  constexpr std::size_t kMost = 8, kAcross = 4;
  const TileKernels& kernels = few_channel_kernels();
  if (g.k > kMost || g.c < kernels.lanes || kernels.lanes == 1) return false;
  const std::size_t taps = g.v.taps * g.h.taps;
  const std::size_t vectors = (g.c + kernels.lanes - 1) / kernels.lanes;
  const std::size_t many = (g.k + kernels.lanes - 1) / kernels.lanes * taps * g.c;
  return g.k * (taps * vectors + kAcross) < many;
}

}  // namespace

Panels pack(const Correlation& g, const WeightView& w) {
  const bool few = few_is_better(g);
  const Layout layout(g, few);
  const std::size_t taps = g.v.taps * g.h.taps;
  const auto block = allocate(layout.panels * layout.panel_floats * sizeof(float));
  float* const data = reinterpret_cast<float*>(block.get());
  parallel_for(layout.panels * taps, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t panel = i / taps;
      const std::size_t tap = i % taps;
      const std::size_t width = layout.width(panel);
      const std::size_t lanes = layout.kernels->lanes;
      const float* from = w.data + static_cast<std::ptrdiff_t>(layout.first(panel)) * w.dk +
                          static_cast<std::ptrdiff_t>(tap / g.h.taps) * w.dy +
                          static_cast<std::ptrdiff_t>(tap % g.h.taps) * w.dx;
      float* to = data + panel * layout.panel_floats + tap * layout.kernels->tap_floats(width, g.c);
      if (few) {
        pack_few(w, from, layout.channels(panel), g.c, lanes, to);
      } else {
        pack_many(w, from, layout.channels(panel), g.c, width * lanes, to);
      }
    }
  });
  return {block, g.k, g.c, taps, few};
}

}  // namespace tinct::conv
#endif  // HWY_ONCE
