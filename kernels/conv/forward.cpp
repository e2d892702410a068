// Convolution forward on the CPU.
#include <stdexcept>
#include <string>

#include "core/shape.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/packed_weights.h"

namespace tinct {
namespace conv {
namespace {

Correlation forward_correlation(const Conv2dShape& s) {
  Correlation g;
  g.n = s.n;
  g.c = s.c;
  g.k = s.k;
  g.v = {s.h, s.oh(), s.kh, s.stride_h, s.dilation_h, static_cast<std::ptrdiff_t>(s.pad_top)};
  g.h = {s.w, s.ow(), s.kw, s.stride_w, s.dilation_w, static_cast<std::ptrdiff_t>(s.pad_left)};
  g.y_pixel = s.k;
  g.y_row = s.ow() * g.y_pixel;
  g.y_image = s.oh() * g.y_row;
  return g;
}

WeightView forward_weights(const Conv2dShape& s, const float* w) {
  const auto c = static_cast<std::ptrdiff_t>(s.c);
  const auto row = static_cast<std::ptrdiff_t>(s.kw) * c;
  return {w, static_cast<std::ptrdiff_t>(s.kh) * row, row, c, 1};
}

bool same_weights(const Conv2dShape& a, const Conv2dShape& b) {
  return a.k == b.k && a.kh == b.kh && a.kw == b.kw && a.c == b.c && a.stride_h == b.stride_h &&
         a.stride_w == b.stride_w && a.dilation_h == b.dilation_h && a.dilation_w == b.dilation_w;
}

std::string describe(const Conv2dShape& s) {
  return to_string(Shape{s.k, s.kh, s.kw, s.c}) + " stride " + std::to_string(s.stride_h) + "," +
         std::to_string(s.stride_w) + " dilation " + std::to_string(s.dilation_h) + "," +
         std::to_string(s.dilation_w);
}

}  // namespace

void check_packed(const Conv2dShape& s, const cpu::PackedWeights& w, bool backward_data) {
  const std::string pass = backward_data ? "conv2d_backward_data" : "conv2d";
  if (!w.defined()) throw std::invalid_argument(pass + ": the packed weights are empty");
  const auto& contents = *w.contents();
  if (contents.backward_data != backward_data) {
    throw std::invalid_argument(pass + ": the weights are packed for the other pass");
  }
  if (!same_weights(s, contents.shape)) {
    throw std::invalid_argument(pass + ": weights packed for " + describe(contents.shape) +
                                " in a convolution with " + describe(s));
  }
}

}  // namespace conv

namespace cpu {

bool PackedWeights::fit(const Conv2dShape& s) const {
  return defined() && !contents_->backward_data && conv::same_weights(s, contents_->shape);
}

PackedWeights pack_weights(const Conv2dShape& s, const float* w) {
  s.check();
  PackedWeights::Contents contents{s, false, {}};
  contents.panels.push_back(conv::pack(conv::forward_correlation(s), conv::forward_weights(s, w)));
  return PackedWeights(std::make_shared<const PackedWeights::Contents>(std::move(contents)));
}

void conv2d(const Conv2dShape& s, const float* x, const PackedWeights& w, const float* bias,
            Activation activation, float* y) {
  s.check();
  conv::check_packed(s, w, false);
  conv::correlate(conv::forward_correlation(s), x, w.contents()->panels[0], bias, activation, y);
}

void conv2d(const Conv2dShape& s, const float* x, const float* w, const float* bias,
            Activation activation, float* y) {
  s.check();
  const conv::Correlation g = conv::forward_correlation(s);
  conv::correlate(g, x, conv::pack(g, conv::forward_weights(s, w)), bias, activation, y);
}

}  // namespace cpu
}  // namespace tinct
