// Colour as classes: bins of the ab plane, soft encoding, rebalancing weights, annealed-mean
// decoding. Source: Zhang, Isola, Efros, "Colorful Image Colorization", ECCV 2016.
// A set of q bins is a table (q,2) of a and b.
#pragma once

#include <cstddef>
#include <vector>

namespace tinct {

/// The 313 bins of spacing 10 that the paper finds in gamut, in the order of its pts_in_hull.npy:
/// a ascending, then b ascending. Bin 120 is (0,0).
std::vector<float> zhang_bins();
/// Every multiple of 10 from -110 to 110 in both directions: 529 bins, a ascending, then b.
std::vector<float> full_grid_bins();
/// The index in full_grid_bins() of the bin nearest to (a,b).
std::size_t full_grid_bin(double a, double b);

/// The k nearest bins of each ab (pixels,2), nearest first, ties to the lowest index, and weights
/// in proportion to exp(-d^2 / (2 sigma^2)) that sum to 1; both (pixels,k), 1 <= k <= q. Indices
/// are whole numbers in floats, as the tensors that carry them. Paper: k = 5, sigma = 5.
void soft_encode(std::size_t q, const float* bins, std::size_t pixels, const float* ab,
                 std::size_t k, double sigma, float* index, float* weight);

/// Spreads each bin's share over all bins by a Gaussian of the distance in the ab plane; the sum is
/// kept.
std::vector<double> smooth_prior(std::size_t q, const float* bins, const std::vector<double>& prior,
                                 double sigma);
/// w in proportion to 1 / ((1 - lambda) p + lambda / q), scaled so that sum p w = 1. Paper: p the
/// smoothed prior, lambda = 1/2.
std::vector<float> rebalancing_weights(const std::vector<double>& prior, double lambda);

/// The annealed mean: the mean of the bins under softmax(logits / temperature). logits (pixels,q),
/// ab (pixels,2). Temperature 1 is the mean, towards 0 the mode; paper: 0.38.
void annealed_mean(std::size_t q, const float* bins, std::size_t pixels, const float* logits,
                   float temperature, float* ab);

namespace cpu {

using tinct::annealed_mean;
using tinct::soft_encode;

}  // namespace cpu

namespace gpu {

/// On device memory, 32-byte aligned, the bins too.
void soft_encode(std::size_t q, const float* bins, std::size_t pixels, const float* ab,
                 std::size_t k, double sigma, float* index, float* weight);
void annealed_mean(std::size_t q, const float* bins, std::size_t pixels, const float* logits,
                   float temperature, float* ab);

}  // namespace gpu
}  // namespace tinct
