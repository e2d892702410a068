// Bins of the ab plane on tensors.
#include "layers/ab_bins.h"

#include "kernels/ab_bins.h"

namespace tinct {
namespace {

Tensor table(const std::vector<float>& bins) {
  return Tensor::from({1, 1, bins.size() / 2, 2}, bins);
}

}  // namespace

Tensor full_grid_bin_table() {
  return table(full_grid_bins());
}

Tensor zhang_bin_table() {
  return table(zhang_bins());
}

}  // namespace tinct
