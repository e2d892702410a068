// Entropy of predicted distributions, and what is done with it.
#include "train/uncertainty.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/threads.h"
#include "train/resize.h"

namespace tinct {

// With e_i = exp(x_i - largest), s their sum and m the sum of e_i (x_i - largest), the entropy is
// log s - m / s.
Tensor normalised_entropy(const Tensor& logits) {
  const Shape s = logits.shape();
  if (s.c < 2) {
    throw std::invalid_argument("normalised_entropy: logits " + to_string(s) +
                                " are no distribution");
  }
  Tensor entropy({s.n, s.h, s.w, 1});
  const double most = std::log(static_cast<double>(s.c));
  parallel_for(s.pixels(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const float* x = logits.f32() + i * s.c;
      const float largest = *std::max_element(x, x + s.c);
      double sum = 0, moment = 0;
      for (std::size_t bin = 0; bin < s.c; ++bin) {
        const float below = x[bin] - largest;
        const double e = std::exp(below);
        sum += e;
        moment += e > 0 ? e * below : 0;
      }
      entropy.f32()[i] = static_cast<float>((std::log(sum) - moment / sum) / most);
    }
  });
  return entropy;
}

float fade(float uncertainty) {
  const float t = (uncertainty - kSure) / (1 - kSure);
  if (t <= 0) return 1;
  if (t >= 1) return 0;
  return 1 - t * t * (3 - 2 * t);
}

Tensor faded(const Tensor& ab, const Tensor& uncertainty) {
  const Shape s = ab.shape();
  if (s.c != 2 || uncertainty.shape() != Shape{s.n, s.h, s.w, 1}) {
    throw std::invalid_argument("faded: ab " + to_string(s) + " and uncertainty " +
                                to_string(uncertainty.shape()));
  }
  Tensor out(s);
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    const float kept = fade(uncertainty.f32()[i]);
    out.f32()[2 * i] = kept * ab.f32()[2 * i];
    out.f32()[2 * i + 1] = kept * ab.f32()[2 * i + 1];
  }
  return out;
}

Image uncertainty_map(const Tensor& uncertainty, std::size_t height, std::size_t width) {
  const Shape s = uncertainty.shape();
  if (s.n != 1 || s.c != 1) {
    throw std::invalid_argument("uncertainty_map: " + to_string(s) + " is not (1,h,w,1)");
  }
  const Tensor large = resize(uncertainty, height, width);
  Image map = make_image(height, width, 1);
  for (std::size_t i = 0; i < map.area(); ++i) {
    const float level = std::clamp(large.f32()[i], 0.0f, 1.0f) * 255;
    map.pixels[i] = static_cast<std::uint8_t>(std::lround(level));
  }
  return map;
}

}  // namespace tinct
