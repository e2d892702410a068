// A triangle filter over bytes, in the arithmetic of train/resize.h: the same bits in kernels as on
// the host. Nothing may be contracted into a fused multiply-add.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace tinct {

TINCT_HOST_DEVICE inline double rounded_product(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

/// sum + weight * value, rounded twice.
TINCT_HOST_DEVICE inline float rounded_sum(float sum, float weight, float value) {
#if defined(__CUDA_ARCH__)
  return __fadd_rn(sum, __fmul_rn(weight, value));
#else
  return sum + weight * value;
#endif
}

/// Which inputs [begin, end) make output `i` of an axis that goes from `in` to `out` elements, and
/// how much each weighs; the weights sum to 1.
struct TriangleFilter {
  int begin = 0, end = 0;
  double centre = 0, support = 0, sum = 0;

  TINCT_HOST_DEVICE TriangleFilter(int in, int out, int i) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    support = scale > 1 ? scale : 1;
    centre = rounded_product(static_cast<double>(i) + .5, scale);
    const double low = floor(centre - support), high = ceil(centre + support);
    begin = low > 0 ? static_cast<int>(low) : 0;
    end = high < in ? static_cast<int>(high) : in;
    for (int k = begin; k < end; ++k) sum += share(k);
  }
  TINCT_HOST_DEVICE double share(int k) const {
    const double rest = 1 - fabs(static_cast<double>(k) + .5 - centre) / support;
    return rest > 0 ? rest : 0;
  }
  TINCT_HOST_DEVICE float weight(int k) const { return static_cast<float>(share(k) / sum); }
};

/// Component `k` of pixel (y,x) of a square (side,side,3) brought to crop x crop: columns first, as
/// everywhere, though each row's sum is made anew for every pixel that it is part of.
TINCT_HOST_DEVICE inline std::uint8_t resampled_level(const std::uint8_t* rgb, int side, int crop,
                                                      int y, int x, int k) {
  const TriangleFilter rows(side, crop, y), columns(side, crop, x);
  float sum = 0;
  for (int r = rows.begin; r < rows.end; ++r) {
    const std::uint8_t* row = rgb + (static_cast<std::size_t>(r) * side + columns.begin) * 3 + k;
    float narrow = 0;
    for (int c = columns.begin; c < columns.end; ++c, row += 3) {
      narrow = rounded_sum(narrow, columns.weight(c), static_cast<float>(*row));
    }
    sum = rounded_sum(sum, rows.weight(r), narrow);
  }
  // A convex sum of levels is in range up to rounding.
  const float level = sum + .5f;
  return static_cast<std::uint8_t>(level > 0 ? level : 0);
}

}  // namespace tinct
