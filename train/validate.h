// Validation on whole pictures: the error in ab beside its baselines, and sheets of samples.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "models/model.h"
#include "train/dataset.h"
#include "train/image.h"

namespace tinct {

/// Means over pictures. Errors are mean (da^2 + db^2) / 2 in Lab units.
struct Validation {
  std::size_t pictures = 0;
  double mse_ab = 0;
  double mse_grey = 0;  ///< of a grey answer
  double mse_mean = 0;  ///< of the training pictures' mean colour everywhere
  double colourfulness = 0;
  double colourfulness_true = 0;

  /// To the better of the two baselines.
  double ratio() const;
  double colour_ratio() const;
};

/// The pictures that a run is judged on, at a working size.
class ValidationSet {
 public:
  /// `most` (0: all) of the pictures, evenly spread, brought to a shorter side of `size` (larger
  /// ones only); with `squares`, their central squares of that side, as AugmentOptions::none cuts
  /// them. Nothing is read yet.
  ValidationSet(const Dataset& dataset, std::vector<std::size_t> indices, std::size_t size,
                std::size_t most, bool squares = false);

  std::size_t size() const { return indices_.size(); }
  /// u8 (1,h,w,3), sRGB.
  Tensor picture(std::size_t i) const;

 private:
  const Dataset* dataset_;
  std::vector<std::size_t> indices_;
  std::size_t side_;
  bool squares_;
};

/// The mean a and b over up to `most` pictures, evenly spread over `indices`.
std::pair<double, double> mean_ab(const Dataset& dataset, const std::vector<std::size_t>& indices,
                                  std::size_t most = 256);

/// The mean colourfulness (train/metrics.h) of such pictures; 0 when there are none.
double mean_colourfulness(const Dataset& dataset, const std::vector<std::size_t>& indices,
                          std::size_t most = 256);

/// Judges the model on every picture. Throws NumericError when it answers with numbers that are not
/// finite.
Validation validate(const Model& model, const ValidationSet& set, std::pair<double, double> mean);

/// A row for each of `count` pictures, evenly spread: grey, predicted, true.
Image sample_sheet(const Model& model, const ValidationSet& set, std::size_t count);

}  // namespace tinct
