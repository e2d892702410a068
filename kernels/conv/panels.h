// Where the weights of each panel lie.
#pragma once

#include <algorithm>

#include "kernels/conv/correlate.h"
#include "kernels/conv/tile.h"

namespace tinct::conv {

/// Output channels are cut into panels of kernels->widths units; the last may be narrower.
struct Layout {
  Layout(const Correlation& g, bool few)
      : kernels(few ? &few_channel_kernels() : &many_channel_kernels()),
        k(g.k),
        panels((g.k + whole() - 1) / whole()),
        panel_floats(g.v.taps * g.h.taps *
                     kernels->tap_floats(std::min(kernels->widths, units(g.k)), g.c)) {}

  std::size_t first(std::size_t panel) const { return panel * whole(); }
  std::size_t channels(std::size_t panel) const { return std::min(whole(), k - first(panel)); }
  std::size_t width(std::size_t panel) const { return units(channels(panel)); }

  const TileKernels* kernels;
  std::size_t k;
  std::size_t panels;
  std::size_t panel_floats;  ///< of a whole panel: from one to the next

 private:
  std::size_t whole() const { return kernels->widths * kernels->unit; }
  std::size_t units(std::size_t channels) const {
    return (channels + kernels->unit - 1) / kernels->unit;
  }
};

}  // namespace tinct::conv
