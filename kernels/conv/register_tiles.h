// Convolution by register tiles, the third rung; its correlations also serve the transposed one.
#pragma once

#include <span>

#include "kernels/conv/correlation.h"

namespace tinct::gpu {

/// Pixels x output channels of a block. `automatic`: the largest that fills a large card.
enum class RegisterTiles { automatic, m128n128, m128n64, m128n32, m64n64 };

/// y = activation(correlation + bias); `all` are the correlations that make up y, bias (n) may be
/// null. Pointers at multiples of 16 bytes where c and n are multiples of four; other channels have
/// one tile.
void correlate_register_tiles(std::span<const Correlation> all, Filter filter, const float* x,
                              const float* w, const float* bias, Activation activation, float* y,
                              RegisterTiles tiles = RegisterTiles::automatic);
/// The same with products of tf32 (11 bits), on tensor cores; sums are f32.
void correlate_tf32(std::span<const Correlation> all, Filter filter, const float* x, const float* w,
                    const float* bias, Activation activation, float* y,
                    RegisterTiles tiles = RegisterTiles::automatic);

}  // namespace tinct::gpu
