// The register tile: a few neighbouring output pixels times one panel of output channels.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct::conv {

/// What one call computes: neighbouring tiles, one after the other. Lengths and distances are in
/// floats. The taps of a tile are `rows` times `taps` runs of `run` consecutive inputs: where the
/// dilation is one, neighbouring taps of a row read neighbouring pixels, and one run may cover them
/// all.
struct Tile {
  std::size_t count = 1;     ///< of tiles that read the same taps
  const float* x = nullptr;  ///< what the first pixel reads for the first tap
  std::size_t x_pixel = 0;   ///< from one output pixel's input to the next one's
  std::size_t x_row = 0;     ///< from one row of taps to the next
  std::size_t x_tap = 0;     ///< from one tap of a row to the next
  const float* w = nullptr;  ///< the panel, at the first tap
  std::size_t w_row = 0, w_tap = 0;
  std::size_t rows = 0, taps = 0, run = 0;
  float* y = nullptr;
  std::size_t y_pixel = 0;
  std::size_t channels = 0;     ///< of the panel that exist: y gets no more than these
  const float* bias = nullptr;  ///< where to start, a whole panel's worth; null: from what y holds
  Activation activation = Activation::none;  ///< none, relu or leaky_relu

  /// On to the next tile, `pixels` further.
  void advance(std::size_t pixels) {
    x += pixels * x_pixel;
    y += pixels * y_pixel;
  }
};
using TileKernel = void (*)(Tile);

/// The kernels for one layout of panels. A panel's width is counted in units of `unit` output
/// channels, and is at most `widths` units.
struct TileKernels {
  static constexpr std::size_t kMaxWidth = 4;
  static constexpr std::size_t kMaxPixels = 16;

  std::size_t lanes = 0;  ///< floats in a vector
  std::size_t unit = 0, widths = 0;
  bool vector_of_inputs = false;                          ///< which of the two layouts below
  std::size_t pixels[kMaxWidth + 1] = {};                 ///< of a whole tile, by width
  TileKernel kernel[kMaxWidth + 1][kMaxPixels + 1] = {};  ///< by width and pixels

  /// Steps that a tap with c inputs takes.
  std::size_t steps(std::size_t c) const { return vector_of_inputs ? (c + lanes - 1) / lanes : c; }
  /// Whether the inputs of a tap fill its steps, so that taps can follow each other in one run.
  bool whole_steps(std::size_t c) const { return !vector_of_inputs || c % lanes == 0; }
  /// Floats that it takes in a panel.
  std::size_t tap_floats(std::size_t width, std::size_t c) const {
    return width * lanes * steps(c);
  }
};

/// A step multiplies vectors of output channels with one input of each pixel.
/// Layout: [tap][input][vector of channels].
const TileKernels& many_channel_kernels();

/// A step multiplies a vector of inputs with the weights of up to four output channels: for
/// convolutions to two or three channels, where a vector of channels would be mostly padding.
/// Layout: [tap][vector of inputs][channel][lane]. The last vector of inputs overlaps the one
/// before it, and its weights are zero there; c must be at least a vector.
const TileKernels& few_channel_kernels();

/// Applies the activation to `channels` values of each of `pixels` pixels.
void activate(Activation activation, float* y, std::size_t y_pixel, std::size_t pixels,
              std::size_t channels);

}  // namespace tinct::conv
