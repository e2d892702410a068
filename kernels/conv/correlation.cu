// Convolution passes said as correlations; host arithmetic, no kernel.
#include "kernels/conv/correlation.h"

#include <algorithm>

#include "core/simt/divide.h"

namespace tinct::gpu {
namespace {

int integer(const char* operation, std::size_t v) {
  return static_cast<int>(small_index(operation, v));
}

// Checked to fit the kernels' int: pixels with a tile to spare, and the filter's rows.
Correlation outline(const char* operation, const Conv2dShape& s) {
  s.check();
  constexpr std::size_t kTile = 128;
  small_index(operation, s.n * s.h * s.w + kTile);
  small_index(operation, s.n * s.oh() * s.ow() + kTile);
  small_index(operation, s.kh * s.kw * (std::max(s.c, s.k) + kTile));
  Correlation g;
  g.images = integer(operation, s.n);
  g.kw = integer(operation, s.kw);
  g.taps = integer(operation, s.kh * s.kw);
  return g;
}

Correlation downward(const char* operation, const Conv2dShape& s) {
  Correlation g = outline(operation, s);
  g.height = integer(operation, s.oh()), g.width = integer(operation, s.ow());
  g.c = integer(operation, s.c), g.n = integer(operation, s.k);
  g.phases[0] = {forward_rows(s), forward_columns(s)};
  g.phase_count = 1;
  return g;
}

std::vector<Correlation> upward(const char* operation, const Conv2dShape& s) {
  Correlation g = outline(operation, s);
  g.height = integer(operation, s.h), g.width = integer(operation, s.w);
  g.c = integer(operation, s.k), g.n = integer(operation, s.c);
  std::vector<Correlation> all;
  for (std::size_t i = 0; i < std::min(s.stride_h, s.h); ++i) {
    for (std::size_t j = 0; j < std::min(s.stride_w, s.w); ++j) {
      g.phases[g.phase_count++] = {backward_rows(s, i), backward_columns(s, j)};
      if (g.phase_count == Correlation::kMostPhases) {
        all.push_back(g);
        g.phase_count = 0;
      }
    }
  }
  if (g.phase_count > 0) all.push_back(g);
  return all;
}

}  // namespace

int Correlation::terms() const {
  int most = 0;
  for (const Phase* p = phases; p < phases + phase_count; ++p) {
    most = std::max(most, p->rows.taps * p->columns.taps * c);
  }
  return most;
}

int Correlation::most_pixels() const {
  int most = 0;
  for (const Phase* p = phases; p < phases + phase_count; ++p) {
    most = std::max(most, images * p->rows.outputs * p->columns.outputs);
  }
  return most;
}

Correlation forward_correlation(const Conv2dShape& s) {
  return downward("conv2d", s);
}

std::vector<Correlation> backward_data_correlations(const Conv2dShape& s) {
  return upward("conv2d_backward_data", s);
}

std::vector<Correlation> transposed_correlations(const ConvTranspose2dShape& s) {
  s.check();
  return upward("conv_transpose2d", s.conv());
}

Correlation transposed_backward_data_correlation(const ConvTranspose2dShape& s) {
  s.check();
  return downward("conv_transpose2d_backward_data", s.conv());
}

}  // namespace tinct::gpu
