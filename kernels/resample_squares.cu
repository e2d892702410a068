// Squares brought to one size, on the GPU. Bound by the arithmetic of the filter, in double, so
// that the bits are the host's: about 24 s^2 operations an output where a square shrinks by s >= 1.
#include "kernels/resample_squares.h"

#include <algorithm>

#include "core/simt/simt.h"
#include "kernels/triangle_device.h"

namespace tinct::gpu {
namespace {

constexpr unsigned kThreads = 128;
constexpr std::size_t kMostSquares = 32;  // in a launch

struct Squares {
  const std::uint8_t* rgb[kMostSquares];
  int side[kMostSquares];
  bool mirrored[kMostSquares];
};

// A thread owns a component of an output pixel; blocks go along a row in x, over the rows in y and
// over the squares in z.
__global__ void resample(const __grid_constant__ Squares squares, int crop, std::uint8_t* to) {
  const int at = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (at >= 3 * crop) return;
  const int square = static_cast<int>(blockIdx.z), y = static_cast<int>(blockIdx.y), x = at / 3;
  const std::size_t row = static_cast<std::size_t>(square) * crop + y;
  to[row * 3 * crop + at] = resampled_level(squares.rgb[square], squares.side[square], crop, y,
                                            squares.mirrored[square] ? crop - 1 - x : x, at % 3);
}

}  // namespace

void resample_squares(const std::vector<Square>& squares, std::size_t crop, std::uint8_t* to) {
  for (std::size_t first = 0; first < squares.size(); first += kMostSquares) {
    const std::size_t count = std::min(kMostSquares, squares.size() - first);
    Squares some{};
    for (std::size_t i = 0; i < count; ++i) {
      const Square& from = squares[first + i];
      some.rgb[i] = from.rgb;
      some.side[i] = static_cast<int>(from.side);
      some.mirrored[i] = from.mirrored;
    }
    const dim3 grid(ceil_div(static_cast<unsigned>(3 * crop), kThreads),
                    static_cast<unsigned>(crop), static_cast<unsigned>(count));
    launch({grid, dim3(kThreads)}, resample, some, static_cast<int>(crop),
           to + first * crop * crop * 3);
  }
}

}  // namespace tinct::gpu
