// Bins of the ab plane on tensors.
#include "layers/ab_bins.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/ab_bins.h"

namespace tinct {
namespace {

Tensor table(const std::vector<float>& ab) {
  return Tensor::from({1, 1, ab.size() / 2, 2}, ab);
}

// The number of bins; throws unless both tensors are there and `fits`.
std::size_t checked(const char* name, const Tensor& bins, const Tensor& t, bool fits) {
  const Shape s = bins.shape();
  if (!bins.defined() || !t.defined() || !fits || s != Shape{1, 1, s.w, 2}) {
    throw std::invalid_argument(std::string(name) + ": bins " + to_string(s) + " with " +
                                to_string(t.shape()));
  }
  return s.w;
}

}  // namespace

Tensor ab_bins_313() {
  return table(zhang_bins());
}

Tensor ab_bins_grid() {
  return table(full_grid_bins());
}

SparseTarget soft_encode(const Tensor& bins, const Tensor& ab, std::size_t k, double sigma) {
  const std::size_t q = checked("soft_encode", bins, ab, ab.shape().c == 2);
  if (k == 0 || k > q || !(sigma > 0)) {
    throw std::invalid_argument("soft_encode: " + std::to_string(k) + " of " + std::to_string(q) +
                                " bins, sigma " + std::to_string(sigma));
  }
  const Shape s = ab.shape();
  SparseTarget target{Tensor({s.n, s.h, s.w, k}), Tensor({s.n, s.h, s.w, k})};
  tinct::soft_encode(q, bins.f32(), s.pixels(), ab.f32(), k, sigma, target.index.f32(),
                     target.weight.f32());
  return target;
}

Tensor rebalancing_weights(const Tensor& bins, const Tensor& prior, double lambda, double sigma) {
  const std::size_t q =
      checked("rebalancing_weights", bins, prior, prior.shape() == Shape{1, 1, 1, bins.shape().w});
  if (!(lambda >= 0 && lambda <= 1 && sigma > 0)) {
    throw std::invalid_argument("rebalancing_weights: lambda " + std::to_string(lambda) +
                                ", sigma " + std::to_string(sigma));
  }
  const std::vector<double> p(prior.f32(), prior.f32() + q);
  return Tensor::from(prior.shape(),
                      tinct::rebalancing_weights(smooth_prior(q, bins.f32(), p, sigma), lambda));
}

Tensor annealed_mean(const Tensor& bins, const Tensor& logits, float temperature) {
  const std::size_t q = checked("annealed_mean", bins, logits, logits.shape().c == bins.shape().w);
  if (!(temperature > 0)) {
    throw std::invalid_argument("annealed_mean: temperature " + std::to_string(temperature));
  }
  const Shape s = logits.shape();
  Tensor ab({s.n, s.h, s.w, 2});
  tinct::annealed_mean(q, bins.f32(), s.pixels(), logits.f32(), temperature, ab.f32());
  return ab;
}

}  // namespace tinct
