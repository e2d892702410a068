// A convolution over a hypercolumn that is never built.
//
// A hypercolumn is the concatenation of a network's maps, each upsampled to one size (Hariharan et
// al., "Hypercolumns for Object Segmentation and Fine-grained Localization", CVPR 2015). Convolving
// it is convolving each map and adding up, and upsampling commutes with the products of each tap
// (kernels/shifted_upsample.h): the arithmetic is done on the small maps, and the result is the
// same but for rounding, at the borders too.
#pragma once

#include <cstddef>
#include <vector>

#include "core/autograd.h"
#include "kernels/bilinear_upsample.h"

namespace tinct {

/// y (n,oh,ow,k) = conv(concat(upsampled maps), w) + bias with zero padding that keeps the size,
/// for maps (n,h_i,w_i,c_i), w (k,kernel,kernel,sum of c_i) and bias (1,1,1,k), which may be empty.
/// Maps of size (oh,ow) are convolved as they are. Throws std::invalid_argument when the shapes do
/// not fit, the kernel is even or not square, or there is no map.
Value hypercolumn_conv2d(const std::vector<Value>& maps, const Value& w, const Value& bias,
                         std::size_t oh, std::size_t ow, Align align = Align::half_pixel);

}  // namespace tinct
