// Finding VGG16's layers in another library's weights, by shape and order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/vgg16.h"
#include "train/import/source.h"

namespace tinct {

struct Vgg16ImportOptions {
  bool batch_norm = false;
  bool fold = false;  ///< batch norms go into the convolutions: the result is a vgg16
  std::optional<Preprocessing> preprocessing;  ///< told by the weights or their names where empty
  std::optional<double> epsilon;  ///< of the batch norms; the file's, or its library's, where empty
  std::size_t width_divisor = 1;
};

struct Vgg16Import {
  /// One line of the table of what became what.
  struct Line {
    std::string ours, theirs;
    std::vector<std::size_t> extents;  ///< theirs
  };
  Vgg16 net;
  std::vector<Line> mapped;
  std::vector<Line> left_over;       ///< `ours` is empty
  std::vector<std::string> missing;  ///< biases that the file has not, where it needs none: noughts
  std::string layout;                ///< "OIHW to OHWI"
  std::string first_layer;           ///< what was done to conv1_1's input channels
  double epsilon = 0;                ///< of the batch norms, as the weights were trained
  std::string epsilon_from;          ///< how it is known
  std::string preprocessing_from;    ///< how it is known
  bool oxford = false;               ///< the weights that the Visual Geometry Group published
  std::vector<std::string> notes;
};

/// Throws WeightsError when the layers are not there, when they could be found in two ways, when
/// nothing tells their order or preprocessing, and for numbers that are not finite.
Vgg16Import import_vgg16(const Source& source, const Vgg16ImportOptions& options);

/// Mean and standard deviation of the five taps for a fixed picture of 32 x 32.
std::array<std::array<double, 2>, 5> feature_statistics(const Vgg16& net);

}  // namespace tinct
