// Class weights of a binned head, from the colours of the training pictures.
#include <algorithm>
#include <vector>

#include "kernels/ab_bins.h"
#include "kernels/colour.h"
#include "train/resize.h"
#include "train/trainer.h"

namespace tinct {

Tensor class_weights(const TrainConfig& config, const ModelInfo& info, const Dataset& dataset,
                     const std::vector<std::size_t>& pictures, std::size_t most) {
  if (info.head != Head::binned || !config.loss.rebalance) return {};
  constexpr std::size_t kSide = 64;  // colours are much the same at any size
  const std::size_t q = info.bins.shape().w;
  const auto k = static_cast<std::size_t>(config.loss.neighbours);
  std::vector<double> prior(q, 0.0);
  const std::size_t count = std::min(most, pictures.size());
  const ValidationSet set(dataset, pictures, kSide, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor rgb = set.picture(i * pictures.size() / count);
    const std::size_t n = rgb.shape().pixels();
    std::vector<float> lab(3 * n), ab(2 * n), index(k * n), weight(k * n);
    cpu::srgb_to_lab(n, rgb.u8(), lab.data());
    for (std::size_t p = 0; p < n; ++p) std::copy_n(&lab[3 * p + 1], 2, &ab[2 * p]);
    soft_encode(q, info.bins.f32(), n, ab.data(), k, config.loss.sigma, index.data(),
                weight.data());
    const double share = 1 / static_cast<double>(n * count);
    for (std::size_t j = 0; j < index.size(); ++j) {
      prior[static_cast<std::size_t>(index[j])] += weight[j] * share;
    }
  }
  const std::vector<double> smooth = smooth_prior(q, info.bins.f32(), prior, config.loss.sigma);
  return Tensor::from({1, 1, 1, q}, rebalancing_weights(smooth, config.loss.uniform));
}

}  // namespace tinct
