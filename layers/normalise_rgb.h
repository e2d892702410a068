// What a pretrained network wants done to RGB before its first convolution.
#pragma once

#include <array>
#include <cstddef>

#include "core/autograd.h"

namespace tinct {

/// y[k] = x[channel[k]] * scale[k] + shift[k].
struct RgbNormalisation {
  std::array<std::size_t, 3> channel = {0, 1, 2};
  std::array<float, 3> scale = {1, 1, 1};
  std::array<float, 3> shift = {0, 0, 0};
};

/// x (n,h,w,3) -> (n,h,w,3). Throws std::invalid_argument for another number of channels.
Value normalise_rgb(const Value& x, const RgbNormalisation& normalisation);

}  // namespace tinct
