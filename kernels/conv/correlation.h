// A convolution's passes over pixels, and those of the transposed one, as one thing: outputs that
// gather inputs through taps of a filter.
#pragma once

#include <vector>

#include "kernels/conv/gather.h"
#include "kernels/conv_transpose2d.h"

namespace tinct::gpu {

/// Outputs that the same taps reach.
struct Phase {
  Axis rows, columns;
};

/// Every pass without strided gaps has one phase; with a stride the data gradient has stride_h *
/// stride_w, so that nothing is multiplied by zero. A launch takes kMostPhases of them.
struct Correlation {
  static constexpr int kMostPhases = 4;

  Phase phases[kMostPhases];
  int phase_count = 0;
  int images = 0, height = 0, width = 0;  ///< of the output tensor
  int c = 0;                              ///< channels that are summed
  int n = 0;                              ///< channels of the output
  int kw = 0, taps = 0;                   ///< of the filter: its width, and kh kw

  /// The longest sum.
  int terms() const;
  /// Output pixels of the largest phase.
  int most_pixels() const;
  std::size_t y_size() const {
    return static_cast<std::size_t>(images) * height * width * static_cast<std::size_t>(n);
  }
};

/// How a filter lies in memory: `along`, the summed channels innermost (n,kh,kw,c), or `across`,
/// the output's (c,kh,kw,n).
enum class Filter { along, across };

/// Filter along.
Correlation forward_correlation(const Conv2dShape& s);
/// Filter across.
std::vector<Correlation> backward_data_correlations(const Conv2dShape& s);
/// Filter along.
std::vector<Correlation> transposed_correlations(const ConvTranspose2dShape& s);
/// Filter across.
Correlation transposed_backward_data_correlation(const ConvTranspose2dShape& s);

}  // namespace tinct::gpu
