// The search for a saturation.
#include "train/saturation.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "core/threads.h"
#include "kernels/colour.h"
#include "kernels/gamut.h"
#include "train/metrics.h"

namespace tinct {
namespace {

double colourfulness_at(const Tensor& lightness, const Tensor& ab, float saturation,
                        std::vector<float>& lab, std::vector<std::uint8_t>& rgb) {
  constexpr std::size_t kBlock = 4096;  // pixels
  const std::size_t pixels = lightness.size();
  parallel_for((pixels + kBlock - 1) / kBlock, [&](std::size_t begin, std::size_t end) {
    const std::size_t first = begin * kBlock, n = std::min(end * kBlock, pixels) - first;
    for (std::size_t i = first; i < first + n; ++i) {
      lab[3 * i] = lightness.f32()[i];
      lab[3 * i + 1] = saturation * ab.f32()[2 * i];
      lab[3 * i + 2] = saturation * ab.f32()[2 * i + 1];
    }
    float* const block = lab.data() + 3 * first;
    cpu::fit_to_gamut(n, block);
    cpu::lab_to_srgb(n, block, block);
    cpu::quantise(3 * n, block, rgb.data() + 3 * first);
  });
  return colourfulness(pixels, rgb.data());
}

}  // namespace

float saturation_for(const Tensor& lightness, const Tensor& ab, double colourfulness) {
  const Shape s = lightness.shape();
  if (s.n != 1 || s.c != 1 || ab.shape() != Shape{1, s.h, s.w, 2}) {
    throw std::invalid_argument("saturation_for: lightness " + to_string(s) + " and ab " +
                                to_string(ab.shape()));
  }
  if (!(colourfulness > 0)) {
    throw std::invalid_argument("saturation_for: the colourfulness must be above 0");
  }
  std::vector<float> lab(3 * lightness.size());
  std::vector<std::uint8_t> rgb(lab.size());
  const auto too_pale = [&](float saturation) {
    return colourfulness_at(lightness, ab, saturation, lab, rgb) < colourfulness;
  };
  float low = kLeastSaturation, high = kMostSaturation;
  if (!too_pale(low)) return low;
  if (too_pale(high)) return high;
  while (high - low > 0.002f) {
    const float middle = 0.5f * (low + high);
    (too_pale(middle) ? low : high) = middle;
  }
  return 0.5f * (low + high);
}

}  // namespace tinct
