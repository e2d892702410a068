// Several trained colorizers on one frozen backbone, as one model that answers with their mean.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"

namespace tinct {

/// The preset's name in the files of such models. It is merged, not trained.
inline constexpr const char* kEnsemble = "ensemble";

/// "part1." for part 0: what stands before the names of its tensors and metadata.
std::string part_prefix(std::size_t part);

/// Their answers, as ab, averaged: models that err in different ways err less together
/// (Lakshminarayanan et al., NeurIPS 2017). The parts have frozen the same backbone, which is run
/// once; binned parts answer with their annealed mean (a tap has their logits). Parameters: "vgg.…"
/// once, the others with "part1.", "part2.", … before their names. Throws std::invalid_argument for
/// fewer than two parts, for parts that do not share a frozen backbone or read different taps of
/// it, and for heads that do not predict CIELAB; its forward() throws it in training.
Model make_ensemble(std::vector<Model> parts);

/// Reads weights files of vgg-unet and vgg-unet-bins and writes the ensemble of them, each with its
/// metadata after "part1.", …. Of a part with more than `members` decoders only the first so many
/// are kept; there must be two of them at least. Throws std::invalid_argument for fewer;
/// WeightsError when the files' backbones are not the same bits, when they read different taps of
/// it, and when one is no such model or has a chroma_gain or chroma_lift of its own; and what
/// SafetensorsFile and write_safetensors throw. Nothing is written then.
void merge_models(const std::vector<std::string>& paths, const std::string& out,
                  std::size_t members = 64);

}  // namespace tinct
