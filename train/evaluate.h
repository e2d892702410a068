// A model judged on the pictures of a data set, always beside what needs no model.
#pragma once

#include <functional>
#include <vector>

#include "train/colorize.h"
#include "train/dataset.h"
#include "train/metrics.h"

namespace tinct {

struct Evaluation {
  std::vector<PictureScore> pictures;
  PictureScore model;     ///< means over the pictures
  PictureScore grey;      ///< the same for ab = 0
  PictureScore mean;      ///< the same for the training pictures' mean ab everywhere
  PictureScore original;  ///< the same for the true ab, which no model can beat

  /// mse_ab over that of the better of grey and mean colour: below 1 is better than knowing
  /// nothing.
  double mse_ratio() const;
  /// Mean colourfulness over that of the true pictures.
  double colourfulness_ratio() const;
};

/// Mean ab and smoothed bin prior of the training pictures; every picture counts the same.
/// Throws DataError when there is none.
MetricContext metric_context(const Dataset& dataset);

/// Scores `predict` on the given pictures, each at its stored size; the network sees it at
/// working_shape(…, options) and its chroma is enlarged bilinearly. `done` is called after each
/// picture. With `baselines` false, grey, mean and original hold mse_ab alone. Throws DataError
/// when `indices` is empty.
Evaluation evaluate(const Dataset& dataset, const std::vector<std::size_t>& indices,
                    const PredictChroma& predict, const ColorizeOptions& options,
                    const MetricContext& context, bool baselines = true,
                    const std::function<void()>& done = {});

}  // namespace tinct
