// Levels of 8 bits as numbers. Bytes: 5 an element.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinct {
namespace cpu {

/// values = levels / 255.
void from_levels(std::size_t count, const std::uint8_t* levels, float* values);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; the same bits.
void from_levels(std::size_t count, const std::uint8_t* levels, float* values);

}  // namespace gpu
}  // namespace tinct
