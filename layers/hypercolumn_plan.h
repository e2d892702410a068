// A hypercolumn convolution split by map: what its passes share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/autograd.h"
#include "kernels/columns.h"
#include "kernels/conv/conv2d.h"
#include "kernels/shifted_upsample.h"

namespace tinct::hypercolumn {

/// Output channels whose products are made together.
inline constexpr std::size_t kBlock = 128;

/// A map's place in the hypercolumn.
struct Part {
  std::size_t index;    ///< among the maps
  std::size_t channel;  ///< its first one
  Shape shape;

  /// Floats of one picture.
  std::size_t picture() const { return shape.h * shape.w * shape.c; }
};

struct Plan {
  std::size_t n = 0, oh = 0, ow = 0, k = 0, kernel = 0, channels = 0;
  Align align = Align::half_pixel;
  std::vector<Part> full, small;
  std::size_t full_channels = 0;
  Device device = Device::cpu;

  std::size_t taps() const { return kernel * kernel; }
  Conv2dShape full_conv() const {
    const std::size_t pad = kernel / 2;
    return {n, oh, ow, full_channels, k, kernel, kernel, 1, 1, 1, 1, pad, pad, pad, pad};
  }
  /// Of `block` output channels and one picture.
  Conv2dShape products(const Part& part, std::size_t block) const {
    return {1, part.shape.h, part.shape.w, part.shape.c, taps() * block};
  }
  ShiftedUpsample sum(const Part& part, std::size_t block) const {
    return {part.shape.h, part.shape.w, oh, ow, kernel, block, k, align};
  }
  std::size_t block(std::size_t first) const { return std::min(kBlock, k - first); }
};

/// Throws std::invalid_argument when the shapes do not fit.
Plan make_plan(const std::vector<Value>& maps, const Value& w, std::size_t oh, std::size_t ow,
               Align align);

/// Calls f(part, its first channel among the maps of full size).
template <class F>
void for_full_parts(const Plan& plan, const F& f) {
  std::size_t at = 0;
  for (const Part& part : plan.full) {
    f(part, at);
    at += part.shape.c;
  }
}

/// Of w (k,kernel,kernel,channels) those of the maps of full size.
Tensor full_weights(const Plan& plan, const Tensor& w);

/// Of w the rows of a tap, a part and the block from output channel `first`, to their place in the
/// weights of the products, (taps,block,c).
Columns product_rows(const Plan& plan, const Part& part, std::size_t first, std::size_t tap);
/// All taps of them.
void copy_product_weights(const Plan& plan, const Part& part, std::size_t first, const float* w,
                          float* products);

}  // namespace tinct::hypercolumn
