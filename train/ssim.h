// Structural similarity.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {

/// Structural similarity (Wang et al. 2004) of two interleaved 8-bit pictures: Gaussian window
/// sigma 1.5, 11 wide, mean over the positions where the window fits and over channels. Pictures
/// below 11 pixels a side give NaN.
double ssim(std::size_t h, std::size_t w, std::size_t channels, const std::uint8_t* a,
            const std::uint8_t* b);

}  // namespace tinct
