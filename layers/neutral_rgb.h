// The grey picture that a backbone sees, from the lightness that our networks take.
#pragma once

#include "core/autograd.h"

namespace tinct {

/// x (n,h,w,1), (L - 50) / 50, to the neutral sRGB colour of that lightness, (n,h,w,3) in 0..1 with
/// three equal components: what decoding a grey picture gives. Lightness outside 0..100 is clamped.
/// No gradient flows back. Throws std::invalid_argument for another number of channels.
Value neutral_rgb(const Value& x);

/// Each block of side x side pixels as the channels of one: (n,h,w,1) -> (n,h/side,w/side,side^2),
/// row by row (PyTorch's pixel_unshuffle). No gradient flows back. Throws std::invalid_argument
/// unless x has one channel and `side` divides both extents.
Value space_to_depth(const Value& x, std::size_t side);

}  // namespace tinct
