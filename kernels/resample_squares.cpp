// Squares brought to one size, on the CPU.
#include "kernels/resample_squares.h"

#include "core/threads.h"
#include "kernels/triangle_device.h"

namespace tinct::cpu {

void resample_squares(const std::vector<Square>& squares, std::size_t crop, std::uint8_t* to) {
  const auto side = static_cast<int>(crop);
  parallel_for(squares.size() * crop, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const Square& from = squares[row / crop];
      std::uint8_t* out = to + row * crop * 3;
      for (int x = 0; x < side; ++x) {
        const int seen = from.mirrored ? side - 1 - x : x;
        for (int k = 0; k < 3; ++k) {
          *out++ = resampled_level(from.rgb, static_cast<int>(from.side), side,
                                   static_cast<int>(row % crop), seen, k);
        }
      }
    }
  });
}

}  // namespace tinct::cpu
