// Direct correlation: the engine under the forward pass and the data gradient.
#pragma once

#include <cstddef>
#include <memory>

#include "kernels/activation_kind.h"
#include "kernels/conv/conv2d.h"

namespace tinct::conv {

/// One axis: output o reads inputs o * stride + tap * dilation - pad that lie in [0, in).
struct Axis {
  std::size_t in = 1, out = 1, taps = 1, stride = 1, dilation = 1;
  std::ptrdiff_t pad = 0;  ///< negative: the first inputs are not read
};

/// From x (n, v.in, h.in, c), dense, to n images of v.out rows of h.out pixels of k channels, at
/// distances given in floats.
struct Correlation {
  std::size_t n = 1, c = 1, k = 1;
  Axis v, h;  ///< vertical, horizontal
  std::size_t y_image = 0, y_row = 0, y_pixel = 0;
};

/// The weight of (output k, tap ky, tap kx, input c) is data[k * dk + ky * dy + kx * dx + c * dc].
/// Either dk or dc is one.
struct WeightView {
  const float* data = nullptr;
  std::ptrdiff_t dk = 0, dy = 0, dx = 0, dc = 0;
};

/// Weights as the register tile reads them: a panel after the other, each of some output channels.
struct Panels {
  std::shared_ptr<const std::byte> block;
  std::size_t k = 0, c = 0, taps = 0;  ///< of the correlation that they are for
  bool few = false;                    ///< laid out for few output channels
  const float* data() const { return reinterpret_cast<const float*>(block.get()); }
};

Panels pack(const Correlation& g, const WeightView& w);

/// y = activation(correlation + bias); bias (k) may be null.
void correlate(const Correlation& g, const float* x, const Panels& w, const float* bias,
               Activation activation, float* y);

}  // namespace tinct::conv
