// Blurred Euclidean loss: the plain reference, one whole picture after another.
#include <cmath>

#include "kernels/blurred_euclidean.h"

namespace tinct::ref {

double blurred_euclidean(const BlurredEuclidean& loss, const float* prediction, const float* target,
                         float* gradient) {
  const std::size_t size = loss.shape.size();
  const double scale = 1.0 / static_cast<double>(size * (loss.taps.size() + 1));
  std::vector<float> difference(size), blurred(size), slope(size), back(size);
  std::vector<double> total(size);
  for (std::size_t i = 0; i < size; ++i) difference[i] = prediction[i] - target[i];
  double sum = 0;
  for (std::size_t k = 0; k <= loss.taps.size(); ++k) {
    const auto blur = [&](const std::vector<float>& from, std::vector<float>& to) {
      if (k == 0) {
        to = from;
      } else {
        gaussian_blur(loss.shape, loss.taps[k - 1], loss.border, from.data(), to.data());
      }
    };
    blur(difference, blurred);
    for (std::size_t i = 0; i < size; ++i) {
      const double g = blurred[i];
      sum += loss.squared ? g * g : std::abs(g);
      slope[i] = static_cast<float>(loss.squared ? 2 * g : g > 0 ? 1 : g < 0 ? -1 : 0);
    }
    blur(slope, back);
    for (std::size_t i = 0; i < size; ++i) total[i] += back[i];
  }
  if (gradient) {
    for (std::size_t i = 0; i < size; ++i) gradient[i] = static_cast<float>(scale * total[i]);
  }
  return sum * scale;
}

}  // namespace tinct::ref
