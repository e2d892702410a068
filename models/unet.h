// A compact U-Net for colour: lightness in, chroma out.
// After Ronneberger et al., "U-Net", MICCAI 2015, with strided convolutions for pooling, bilinear
// upsampling for transposed convolution, batch norm, and chroma predicted below full resolution,
// where the eye needs no more.
#pragma once

#include <cstdint>
#include <vector>

#include "models/model.h"

namespace tinct {

struct UnetConfig {
  std::string preset;
  /// Channels at 1/2, 1/4, 1/8, … of the input's size.
  std::vector<std::size_t> widths = {32, 64, 128, 256};
  Head head = Head::regression;
  /// (1,1,q,2), for a binned head, which stands at 1/4 of the input's size.
  Tensor bins;
};

/// Throws std::invalid_argument for fewer than three widths, or a binned head without bins.
Model make_unet(const UnetConfig& config, std::uint64_t seed);

}  // namespace tinct
