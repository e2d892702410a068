// Curves as a picture: the loss and the validation error of a run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/image.h"

namespace tinct {

struct Curve {
  std::vector<std::pair<long, double>> points;  ///< (step, value), steps ascending
  bool smooth = false;  ///< draw a running mean on top of the faint raw curve
};

struct Panel {
  std::string title;  ///< letters, digits and . , : - + ( ) / _ = %
  Curve curve;
};

/// One panel under another, steps along the bottom, a logarithmic scale where values span more than
/// a factor of four. Values that are not finite are skipped; a panel without points stays empty.
Image plot(const std::vector<Panel>& panels, std::size_t width = 900, std::size_t height = 360);

}  // namespace tinct
