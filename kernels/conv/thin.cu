// The shapes of convolutions with few channels on one side; host arithmetic, no kernel.
#include "kernels/conv/thin.h"

#include <stdexcept>
#include <string>

namespace tinct::gpu {
namespace {

// The same taps from the last to the first.
Axis turned(Axis a) {
  a.origin += (a.taps - 1) * a.delta;
  a.delta = -a.delta;
  return a;
}

}  // namespace

ThinShape thin_forward(const Conv2dShape& s, ThinSide side) {
  const bool input = side == ThinSide::input;
  return {s.n, input ? s.c : s.k, input ? s.k : s.c, forward_rows(s), forward_columns(s), false,
          side};
}

ThinShape thin_backward(const Conv2dShape& s, ThinSide side) {
  const bool input = side == ThinSide::input;
  return {s.n,
          input ? s.c : s.k,
          input ? s.k : s.c,
          turned(backward_rows(s, 0)),
          turned(backward_columns(s, 0)),
          true,
          side};
}

bool thin_enough(const Conv2dShape& s, ThinSide side) {
  const bool input = side == ThinSide::input;
  const std::size_t thin = input ? s.c : s.k, wide = input ? s.k : s.c;
  if (thin > kMostThin) return false;
  // The fewest lanes of a pixel, so the most rows of a block: kernels/conv/thin_tile-inl.h.
  const std::size_t chunks = wide % 8 == 0 ? wide / 8 : wide % 4 == 0 ? wide / 4 : wide;
  std::size_t lanes = 1;
  while (lanes < 16 && lanes < chunks) lanes *= 2;
  const std::size_t rows = (64 / lanes - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
  const std::size_t columns = 31 * s.stride_w + (s.kw - 1) * s.dilation_w + 1;
  constexpr std::size_t kBytes = 96 * 1024, kPixels = std::size_t{1} << 30;
  return (s.w_size() + rows * (columns * thin + 40)) * sizeof(float) <= kBytes &&
         s.n * s.h * s.w < kPixels && s.n * s.oh() * s.ow() < kPixels;
}

void require_supported(bool supported, const char* rung, const Conv2dShape& s) {
  if (supported) return;
  throw std::invalid_argument(
      std::string("conv2d, ") + rung + ": " + std::to_string(s.c) + " to " + std::to_string(s.k) +
      " channels, kernel " + std::to_string(s.kh) + "x" + std::to_string(s.kw) + ", stride " +
      std::to_string(s.stride_h) + "x" + std::to_string(s.stride_w) + " is for another rung");
}

}  // namespace tinct::gpu
