// What is left of a convolution over an upsampled map when its products were taken first, on the
// small map: the products of every tap are upsampled, shifted to their places and added up.
//
// Upsampling U works channel by channel and the products of tap t, W_t, pixel by pixel, so they
// commute: conv(U f)(p) = sum_t [p + t inside] (U (W_t f))(p + t). The zero padding lies in the
// large picture, where the bracket drops taps that leave it; the clamping of bilinear sampling at
// the border stays in U. Nothing is approximated.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "kernels/bilinear_upsample.h"

namespace tinct {

/// Of one picture: g (h,w,kernel,kernel,c), the products of a kernel x kernel convolution with zero
/// padding (kernel is odd), and y (oh,ow), whose pixels begin `y_pixel` >= c floats apart.
struct ShiftedUpsample {
  std::size_t h = 1, w = 1;
  std::size_t oh = 1, ow = 1;
  std::size_t kernel = 3;
  std::size_t c = 1;
  std::size_t y_pixel = 1;
  Align align = Align::half_pixel;
};

/// The products of one map: all of them at `g`, or, where that is null, made by `fill` as the sums
/// come to need them, so that they stay in cache.
struct ShiftedProducts {
  ShiftedUpsample shape;
  const float* g = nullptr;
  /// Writes those of a row of the map and a row of taps, (w,kernel,c), to `to`. Called from inside
  /// a parallel_for, on every thread that needs them.
  std::function<void(std::size_t row, std::size_t tap_row, float* to)> fill;
};

/// Writes rows [begin, end) of an output; y is where the first of them begins. Called from inside a
/// parallel_for.
using FillRows = std::function<void(std::size_t begin, std::size_t end, float* y)>;

namespace ref {

/// y += the sum over taps.
void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y);
/// dg, given dy laid out as y.
void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg);

}  // namespace ref

namespace cpu {

void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y);
/// Of one or more maps, with the same y, in one pass over it: a few rows at a time are filled,
/// unless `fill` is empty, and the sums of all maps added while they are in cache.
void add_shifted_upsamples(const std::vector<ShiftedProducts>& maps, const FillRows& fill,
                           float* y);
void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg);

}  // namespace cpu

namespace gpu {

/// On device memory; h, w, oh, ow < 32768.
void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y);
void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg);

}  // namespace gpu
}  // namespace tinct
