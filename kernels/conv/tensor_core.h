// Convolution on tensor cores: products of bf16, sums in f32.
#pragma once

#include "kernels/conv/conv2d.h"

namespace tinct {

struct bf16;

namespace gpu {

/// What a block computes: pixels x output channels (weight gradient: output channels x inputs).
/// `automatic` chooses by the shape.
enum class ConvTile { automatic, m128n128, m128n64, m128n32, m64n64 };

/// Any shape of fewer than 2^31 pixels (std::invalid_argument). Pointers are device memory, 16-byte
/// aligned. f32 operands are rounded to bf16 first; outputs are f32 then. Channels that are no
/// multiple of 8 are padded in a copy.
void conv2d_tensor_core(const Conv2dShape& s, const bf16* x, const bf16* w, const float* bias,
                        Activation activation, bf16* y, ConvTile tile = ConvTile::automatic);
void conv2d_tensor_core(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                        Activation activation, float* y, ConvTile tile = ConvTile::automatic);
/// bias (c), unless null, is added to dx before it is rounded: a transposed convolution has one.
void conv2d_backward_data_tensor_core(const Conv2dShape& s, const bf16* dy, const bf16* w, bf16* dx,
                                      ConvTile tile = ConvTile::automatic,
                                      const float* bias = nullptr);
void conv2d_backward_data_tensor_core(const Conv2dShape& s, const float* dy, const float* w,
                                      float* dx, ConvTile tile = ConvTile::automatic);
/// db, unless null, is summed from dy as it is stored.
void conv2d_backward_weights_tensor_core(const Conv2dShape& s, const bf16* x, const bf16* dy,
                                         float* dw, float* db, ConvTile tile = ConvTile::automatic);
void conv2d_backward_weights_tensor_core(const Conv2dShape& s, const float* x, const float* dy,
                                         float* dw, float* db, ConvTile tile = ConvTile::automatic);

}  // namespace gpu
}  // namespace tinct
