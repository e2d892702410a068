// The functions behind the f32 rungs; kernels/conv/rungs.h is how to reach them.
#pragma once

#include "kernels/conv/conv2d.h"

namespace tinct::gpu {

void conv2d_naive(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                  Activation activation, float* y);
void conv2d_backward_data_naive(const Conv2dShape& s, const float* dy, const float* w, float* dx);
void conv2d_backward_weights_naive(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                   float* db);

void conv2d_shared_tiles(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                         Activation activation, float* y);
void conv2d_backward_data_shared_tiles(const Conv2dShape& s, const float* dy, const float* w,
                                       float* dx);
void conv2d_backward_weights_shared_tiles(const Conv2dShape& s, const float* x, const float* dy,
                                          float* dw, float* db);

void conv2d_register_tiles(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                           Activation activation, float* y);
void conv2d_backward_data_register_tiles(const Conv2dShape& s, const float* dy, const float* w,
                                         float* dx);
void conv2d_backward_weights_register_tiles(const Conv2dShape& s, const float* x, const float* dy,
                                            float* dw, float* db);

/// The walk of register_tiles with products of tf32, on tensor cores.
void conv2d_tf32(const Conv2dShape& s, const float* x, const float* w, const float* bias,
                 Activation activation, float* y);
void conv2d_backward_data_tf32(const Conv2dShape& s, const float* dy, const float* w, float* dx);
void conv2d_backward_weights_tf32(const Conv2dShape& s, const float* x, const float* dy, float* dw,
                                  float* db);

}  // namespace tinct::gpu
