// Gaussian blur: the plain reference, and the taps and borders that both versions use.
#include <cmath>
#include <stdexcept>
#include <string>

#include "kernels/gaussian_blur.h"

namespace tinct {

std::vector<float> gaussian_taps(std::size_t size, double sigma, bool normalised) {
  if (size % 2 == 0 || !(sigma > 0)) {
    throw std::invalid_argument("gaussian_taps: size " + std::to_string(size) + ", sigma " +
                                std::to_string(sigma));
  }
  const std::size_t middle = size / 2;
  std::vector<double> taps;
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double x = static_cast<double>(i) - static_cast<double>(middle);
    taps.push_back(std::exp(-x * x / (2 * sigma * sigma)));
    sum += taps.back();
  }
  std::vector<float> result;
  for (const double tap : taps) result.push_back(static_cast<float>(normalised ? tap / sum : tap));
  return result;
}

std::size_t symmetric_index(std::ptrdiff_t i, std::size_t extent) {
  const std::ptrdiff_t period = 2 * static_cast<std::ptrdiff_t>(extent);
  const std::ptrdiff_t folded = ((i % period) + period) % period;
  return static_cast<std::size_t>(folded < period / 2 ? folded : period - 1 - folded);
}

void ref::gaussian_blur(const Shape& s, const std::vector<float>& taps, Border border,
                        const float* x, float* y) {
  const std::ptrdiff_t radius = static_cast<std::ptrdiff_t>(taps.size() / 2);
  const auto inside = [](std::ptrdiff_t i, std::size_t extent) {
    return i >= 0 && i < static_cast<std::ptrdiff_t>(extent);
  };
  for (std::size_t i = 0; i < s.size(); ++i) {
    const std::size_t c = i % s.c;
    const std::ptrdiff_t px = static_cast<std::ptrdiff_t>(i / s.c % s.w);
    const std::ptrdiff_t py = static_cast<std::ptrdiff_t>(i / s.c / s.w % s.h);
    const std::size_t image = i / s.c / s.w / s.h * s.h;
    double sum = 0;
    for (std::ptrdiff_t dy = -radius; dy <= radius; ++dy) {
      for (std::ptrdiff_t dx = -radius; dx <= radius; ++dx) {
        if (border == Border::zero && !(inside(py + dy, s.h) && inside(px + dx, s.w))) continue;
        const std::size_t row = image + symmetric_index(py + dy, s.h);
        const std::size_t at = (row * s.w + symmetric_index(px + dx, s.w)) * s.c + c;
        sum += double{taps[dy + radius]} * taps[dx + radius] * x[at];
      }
    }
    y[i] = static_cast<float>(sum);
  }
}

}  // namespace tinct
