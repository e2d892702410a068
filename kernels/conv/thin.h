// Convolutions with one to four channels on one side: the first layer's 1 or 3, the last one's 2
// or 3.
//
// Such a convolution has a thin tensor (few channels) and a wide one, and three kinds of work:
//   expand    wide from thin: the first layer forward, the data gradient of few outputs
//   contract  thin from wide: few outputs forward, the data gradient of the first layer
//   correlate the weights from both: both weight gradients
// Each reads and writes the wide tensor once, which is what binds it; the thin one goes through
// shared memory. For .cu files.
#pragma once

#include "core/simt/divide.h"
#include "core/simt/simt.h"
#include "kernels/conv/gather.h"

namespace tinct::gpu {

/// The most channels of the thin tensor.
inline constexpr std::size_t kMostThin = 4;

/// Which of the filter's channels are the thin tensor's.
enum class ThinSide { input, output };

/// How the pixels of one tensor follow from the other's: the axes of expand() and correlate() have
/// the wide tensor's pixels as their outputs, those of contract() the thin one's. `reversed` taps
/// count from the filter's last, so that a larger tap always lies further down and right.
struct ThinShape {
  std::size_t images, thin, wide;
  Axis rows, columns;
  bool reversed;
  ThinSide side;
};
ThinShape thin_forward(const Conv2dShape& s, ThinSide side);
/// Stride 1.
ThinShape thin_backward(const Conv2dShape& s, ThinSide side);

/// Whether the thin side is thin, and the filter and a tile of the thin tensor fit into the shared
/// memory of any card.
bool thin_enough(const Conv2dShape& s, ThinSide side);
/// Throws std::invalid_argument, naming the rung and the shape, unless `supported`.
void require_supported(bool supported, const char* rung, const Conv2dShape& s);

/// T is float or bf16; weights (k,kh,kw,c) as T, bias and dw f32. All on the device.
template <class T>
void expand(const ThinShape& s, const T* thin, const T* w, const float* bias, Activation activation,
            T* wide);
template <class T>
void contract(const ThinShape& s, const T* wide, const T* w, const float* bias,
              Activation activation, T* thin);
template <class T>
void correlate_thin(const ThinShape& s, const T* thin, const T* wide, float* dw);

}  // namespace tinct::gpu
