// From lightness to chroma with a trained network, whatever its head and at any size.
#pragma once

#include <optional>

#include "models/model.h"

namespace tinct {

struct PredictOptions {
  /// Of a binned head's annealed mean, in place of the model's own (ModelInfo::temperature).
  std::optional<float> temperature = std::nullopt;
  /// Averages the prediction with that for the mirrored picture: twice the time, a little better.
  bool flip = false;
  /// Of a model with a distribution: chroma fades where it does not know (train/uncertainty.h).
  bool fade = true;
};

struct Prediction {
  Tensor ab;           ///< (n,h,w,2) in Lab units
  Tensor uncertainty;  ///< (n,h,w,1) in 0..1; undefined where ModelInfo::has_distribution() is not
};

/// For pictures of that lightness (n,h,w,1), L 0..100. Pads them to the network's multiple by
/// repeating their border. Throws NumericError when the network answers with a number that is not
/// finite.
Prediction predict(const Model& model, const Tensor& lightness, const PredictOptions& options = {});
/// The chroma alone.
Tensor predict_ab(const Model& model, const Tensor& lightness, const PredictOptions& options = {});

/// A head's output for pictures of that lightness (n,h,w,1, 0..100), as ab (n,h,w,2) in Lab units,
/// at the model's temperature unless another is given, the model's chroma gain applied, neither
/// lifted nor faded.
Tensor decode_head(const Model& model, const Tensor& output, const Tensor& lightness,
                   std::optional<float> temperature = std::nullopt);

/// L to what a network takes: (L - 50) / 50.
Tensor network_input(const Tensor& lightness);

}  // namespace tinct
