// Dahl's two networks on VGG16's first four taps: a residual encoder and a hypercolumn.
// Source: Ryan Dahl, "Automatic Colorization", 2016 (tinyclouds.org/colorize), and its training
// script. docs/dahl.md says what the code does and what the corrected presets change.
#pragma once

#include <cstdint>
#include <string>

#include "models/model.h"
#include "models/vgg16.h"

namespace tinct {

/// Both predict JPEG chroma (ChromaSpace::ycbcr) at full size. Convolutions have no bias, batch
/// norms an eps of 1e-3; weights are drawn from a normal distribution of sigma 0.01, cut at two
/// sigma.
struct DahlConfig {
  std::string preset;
  Vgg16Config backbone;
  /// Bug for bug: grey is the mean of R, G and B, maps are upsampled by TensorFlow's first
  /// bilinear resize, which shifts them by half a pixel, and batch norms move their running
  /// statistics by a hundredth.
  bool exact = false;
  bool hypercolumn = false;
  std::size_t kernel = 3;  ///< of the hypercolumn's convolutions: 3, or 1
  std::size_t blocks = 4;  ///< of the backbone: the hypercolumn may take 5
  bool finetune = false;   ///< otherwise the backbone is frozen
};

/// The backbone's parameters are named "vgg.…". It is freshly drawn, or taken from `backbone`,
/// whose configuration then counts. Throws std::invalid_argument for a configuration that cannot
/// be.
Model make_dahl(const DahlConfig& config, std::uint64_t seed);
Model make_dahl(const DahlConfig& config, std::uint64_t seed, Vgg16 backbone);

}  // namespace tinct
