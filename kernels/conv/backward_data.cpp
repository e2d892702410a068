// The gradient of a convolution with respect to its input on the CPU: a correlation of dy with the
// rotated weights. With a stride there is one for each phase: the inputs at a distance of a stride
// from each other, and the taps that reach them, so that no zero is multiplied.
#include <numeric>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/packed_weights.h"

namespace tinct {
namespace conv {
namespace {

using Index = std::ptrdiff_t;

// One axis of one phase.
struct Phase {
  Axis axis;               ///< from dy to the phase's inputs
  std::size_t first = 0;   ///< the phase's first input; the others follow at the stride
  Index last_tap = 0;      ///< that the correlation's first tap is, and
  Index tap_distance = 0;  ///< how far apart the taps of the phase are
};

// Input i of phase r, (i + pad) mod stride = r, meets output o where i + pad = o * stride + tap *
// dilation.
Phase phase_of(std::size_t r, std::size_t in, std::size_t out, std::size_t kernel,
               std::size_t stride, std::size_t dilation, std::size_t pad) {
  Phase phase;
  const std::size_t common = std::gcd(stride, dilation);
  const std::size_t distance = stride / common;
  phase.first = (r + stride - pad % stride) % stride;
  phase.tap_distance = static_cast<Index>(distance);
  phase.axis.out = phase.first < in ? (in - phase.first + stride - 1) / stride : 0;
  phase.axis.dilation = dilation / common;
  std::size_t tap = 0;
  while (tap < distance && tap * dilation % stride != r) ++tap;
  if (tap >= distance || tap >= kernel) {
    phase.axis.in = 0;  // no tap reaches these inputs: their gradient is zero
    return phase;
  }
  phase.axis.in = out;
  phase.axis.taps = (kernel - tap + distance - 1) / distance;
  const Index more = static_cast<Index>(phase.axis.taps - 1);
  phase.last_tap = static_cast<Index>(tap) + more * phase.tap_distance;
  const Index output =
      (static_cast<Index>(phase.first + pad) - static_cast<Index>(tap * dilation)) /
      static_cast<Index>(stride);  // exact
  phase.axis.pad = more * static_cast<Index>(phase.axis.dilation) - output;
  return phase;
}

struct PhaseCorrelation {
  Correlation correlation;
  WeightView weights;       ///< data is null: the offset below, from the first weight
  Index weight_offset = 0;  ///< of the correlation's first tap
  std::size_t offset = 0;   ///< of the phase's first pixel in dx
};

PhaseCorrelation phase_correlation(const Conv2dShape& s, std::size_t index) {
  const Phase v =
      phase_of(index / s.stride_w, s.h, s.oh(), s.kh, s.stride_h, s.dilation_h, s.pad_top);
  const Phase h =
      phase_of(index % s.stride_w, s.w, s.ow(), s.kw, s.stride_w, s.dilation_w, s.pad_left);
  PhaseCorrelation p;
  Correlation& g = p.correlation;
  g.n = s.n;
  g.c = s.k;
  g.k = s.c;
  g.v = v.axis;
  g.h = h.axis;
  g.y_pixel = s.stride_w * s.c;
  g.y_row = s.stride_h * s.w * s.c;
  g.y_image = s.h * s.w * s.c;
  p.offset = (v.first * s.w + h.first) * s.c;
  const Index c = static_cast<Index>(s.c);
  const Index kw = static_cast<Index>(s.kw);
  p.weight_offset = (v.last_tap * kw + h.last_tap) * c;
  p.weights.dk = 1;
  p.weights.dc = static_cast<Index>(s.kh) * kw * c;
  p.weights.dy = -v.tap_distance * kw * c;
  p.weights.dx = -h.tap_distance * c;
  return p;
}

}  // namespace
}  // namespace conv

namespace cpu {

PackedWeights pack_weights_backward_data(const Conv2dShape& s, const float* w) {
  s.check();
  PackedWeights::Contents contents{s, true, {}};
  for (std::size_t i = 0; i < s.stride_h * s.stride_w; ++i) {
    conv::PhaseCorrelation p = conv::phase_correlation(s, i);
    p.weights.data = w + p.weight_offset;
    contents.panels.push_back(conv::pack(p.correlation, p.weights));
  }
  return PackedWeights(std::make_shared<const PackedWeights::Contents>(std::move(contents)));
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const PackedWeights& w,
                          float* dx) {
  s.check();
  conv::check_packed(s, w, true);
  for (std::size_t i = 0; i < s.stride_h * s.stride_w; ++i) {
    const conv::PhaseCorrelation p = conv::phase_correlation(s, i);
    conv::correlate(p.correlation, dy, w.contents()->panels[i], nullptr, Activation::none,
                    dx + p.offset);
  }
}

void conv2d_backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
  conv2d_backward_data(s, dy, pack_weights_backward_data(s, w), dx);
}

}  // namespace cpu
}  // namespace tinct
