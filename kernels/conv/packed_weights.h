// What PackedWeights hold.
#pragma once

#include <vector>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/correlate.h"

namespace tinct {

/// The forward pass is one correlation, the data gradient one for each phase of the stride.
struct cpu::PackedWeights::Contents {
  Conv2dShape shape;
  bool backward_data = false;
  std::vector<conv::Panels> panels;
};

namespace conv {

/// Throws std::invalid_argument unless the weights were packed for this convolution and pass.
void check_packed(const Conv2dShape& s, const cpu::PackedWeights& w, bool backward_data);

}  // namespace conv
}  // namespace tinct
