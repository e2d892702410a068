// Convolutions of the first and the last layer: one to four channels on one side.
#pragma once

#include "kernels/conv/rungs.h"

namespace tinct {

struct bf16;

namespace gpu {

/// One to four input channels: every pass, the data gradient with stride 1 only.
bool first_layer_supports(Conv2dPass pass, const Conv2dShape& s);
/// One to four output channels: every pass, the gradients with stride 1 only.
bool few_outputs_supports(Conv2dPass pass, const Conv2dShape& s);

/// T is float or bf16. Arguments as those of gpu::conv2d and its kin; std::invalid_argument for
/// what the rung does not support.
template <class T>
void conv2d_first_layer(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                        Activation activation, T* y);
template <class T>
void conv2d_backward_data_first_layer(const Conv2dShape& s, const T* dy, const T* w, T* dx);
template <class T>
void conv2d_backward_weights_first_layer(const Conv2dShape& s, const T* x, const T* dy, float* dw,
                                         float* db);
template <class T>
void conv2d_few_outputs(const Conv2dShape& s, const T* x, const T* w, const float* bias,
                        Activation activation, T* y);
template <class T>
void conv2d_backward_data_few_outputs(const Conv2dShape& s, const T* dy, const T* w, T* dx);
template <class T>
void conv2d_backward_weights_few_outputs(const Conv2dShape& s, const T* x, const T* dy, float* dw,
                                         float* db);

}  // namespace gpu
}  // namespace tinct
