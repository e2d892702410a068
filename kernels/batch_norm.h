// Batch normalisation over the rows of a (rows, c) array (NHWC: rows = n h w), with an activation
// fused. Ioffe and Szegedy, "Batch Normalization", ICML 2015.
// Bytes an element: statistics 4, forward 8, backward 8 for the sums and 12 for dx.
#pragma once

#include <cstddef>

#include "kernels/activation_kind.h"

namespace tinct {

/// What normalises each channel: arrays of c.
struct BatchNormChannels {
  const float* mean = nullptr;
  const float* variance = nullptr;  ///< biased; the divisor is sqrt(variance + eps)
  const float* gamma = nullptr;
  const float* beta = nullptr;
  float eps = 1e-5f;
};

/// The gradients that batch_norm_backward sets; dx may be null when nobody wants it.
struct BatchNormGradients {
  float* dx = nullptr;  ///< (rows, c)
  float* dgamma = nullptr;
  float* dbeta = nullptr;
};

struct bf16;

namespace ref {

/// The mean and the biased variance of each channel, in double. rows > 0.
void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance);
/// y = activation(gamma (x - mean) / sqrt(variance + eps) + beta). `activation` is none, ReLU or
/// leaky ReLU (slope kLeakySlope).
void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y);
/// The gradients, given dy after the activation. With `batch_statistics`, mean and variance were
/// functions of x (training); without, constants. The activation's mask is computed again from x,
/// so that the output need not be kept.
void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out);

}  // namespace ref

namespace cpu {

void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance);
void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y);
void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned, the arrays of BatchNormChannels too. x is read once: moments
/// of slabs, combined in double.
void batch_norm_statistics(std::size_t rows, std::size_t c, const float* x, float* mean,
                           float* variance);
void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
                Activation activation, float* y);
void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p,
                         const float* x, const float* dy, Activation activation,
                         bool batch_statistics, const BatchNormGradients& out);

/// The rungs below the statistics: a block a channel; whole sectors, but x read twice.
void batch_norm_statistics_naive(std::size_t rows, std::size_t c, const float* x, float* mean,
                                 float* variance);
void batch_norm_statistics_two_pass(std::size_t rows, std::size_t c, const float* x, float* mean,
                                    float* variance);

/// Maps stored as bf16, 8-byte aligned; everything about channels, and all arithmetic, is f32.
void batch_norm_statistics(std::size_t rows, std::size_t c, const bf16* x, float* mean,
                           float* variance);
void batch_norm(std::size_t rows, std::size_t c, const BatchNormChannels& p, const bf16* x,
                Activation activation, bf16* y);
void batch_norm_backward(std::size_t rows, std::size_t c, const BatchNormChannels& p, const bf16* x,
                         const bf16* dy, Activation activation, bool batch_statistics, bf16* dx,
                         float* dgamma, float* dbeta);

}  // namespace gpu
}  // namespace tinct
