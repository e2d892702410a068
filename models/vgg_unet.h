// Colour from what VGG16 knows of photographs: its taps, and light decoders that join them from
// coarse to fine.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "models/model.h"
#include "models/vgg16.h"

namespace tinct {

struct VggUnetConfig {
  std::string preset;
  Vgg16Config backbone;
  std::size_t blocks = 5;  ///< of the backbone that are used: 4 or 5
  /// At which chroma is predicted: 1, 2 or 4. Taps finer than that are averaged down to it.
  std::size_t stride = 4;
  /// Channels that the decoder takes from each tap, finest first. 0 leaves a tap out; that may be
  /// done only to those finer than the prediction.
  std::array<std::size_t, 5> widths = {0, 32, 64, 128, 128};
  /// Decoders that learn side by side on one backbone, each by its own loss; the answer is their
  /// mean, which errs less than any of them (Lakshminarayanan et al., NeurIPS 2017). In training
  /// the output is (members n,…).
  std::size_t members = 1;
  float dropout = 0.5f;   ///< of whole channels of the taps, in training
  bool finetune = false;  ///< otherwise the backbone is frozen and records nothing
  Head head = Head::regression;
  Tensor bins;  ///< (1,1,q,2), for a binned head; kept with the weights as "head.bins"
};

/// The backbone's parameters are named "vgg.…" (models/vgg16.h). It is freshly drawn from `seed`
/// as everything else is, or taken from `backbone`, whose configuration then counts.
/// Throws std::invalid_argument naming what the configuration cannot be.
Model make_vgg_unet(const VggUnetConfig& config, std::uint64_t seed);
Model make_vgg_unet(const VggUnetConfig& config, std::uint64_t seed, Vgg16 backbone);

}  // namespace tinct
