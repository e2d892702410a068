// Bins and class weights of a binned head, from the colours of the training pictures.
#include <algorithm>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/ab_bins.h"
#include "kernels/colour.h"
#include "train/resize.h"
#include "train/trainer.h"

namespace tinct {

namespace {

constexpr std::size_t kSide = 64;  // colours are much the same at any size

// The ab of a picture's pixels, (pixels,2).
std::vector<float> chroma(const Tensor& rgb) {
  const std::size_t n = rgb.shape().pixels();
  std::vector<float> lab(3 * n), ab(2 * n);
  cpu::srgb_to_lab(n, rgb.u8(), lab.data());
  for (std::size_t p = 0; p < n; ++p) std::copy_n(&lab[3 * p + 1], 2, &ab[2 * p]);
  return ab;
}

}  // namespace

Tensor class_weights(const TrainConfig& config, const ModelInfo& info, const Dataset& dataset,
                     const std::vector<std::size_t>& pictures, std::size_t most) {
  if (info.head != Head::binned || !config.loss.rebalance) return {};
  const std::size_t q = info.bins.shape().w;
  const auto k = static_cast<std::size_t>(config.loss.neighbours);
  std::vector<double> prior(q, 0.0);
  const std::size_t count = std::min(most, pictures.size());
  const ValidationSet set(dataset, pictures, kSide, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<float> ab = chroma(set.picture(i * pictures.size() / count));
    const std::size_t n = ab.size() / 2;
    std::vector<float> index(k * n), weight(k * n);
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

Tensor bins_in_use(const Dataset& dataset, const std::vector<std::size_t>& pictures,
                   double least_share, std::size_t most) {
  const std::vector<float> grid = full_grid_bins();
  std::vector<double> share(grid.size() / 2, 0.0);
  const ValidationSet set(dataset, pictures, kSide, most);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const std::vector<float> ab = chroma(set.picture(i));
    const double one = 2 / static_cast<double>(ab.size() * set.size());
    for (std::size_t p = 0; p < ab.size(); p += 2) share[full_grid_bin(ab[p], ab[p + 1])] += one;
  }
  const std::size_t neutral = full_grid_bin(0, 0);
  std::vector<float> bins;
  for (std::size_t q = 0; q < share.size(); ++q) {
    if (share[q] < least_share && q != neutral) continue;
    bins.insert(bins.end(), {grid[2 * q], grid[2 * q + 1]});
  }
  if (bins.size() == 2) {
    throw DataError(dataset.path() + ": no colour holds a share of " + std::to_string(least_share) +
                    " of the training pixels (model.bin_share)");
  }
  return Tensor::from({1, 1, bins.size() / 2, 2}, bins);
}

}  // namespace tinct
