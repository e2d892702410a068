// What the processor offers, and which instruction set the kernels use on it.
#pragma once

#include <string>
#include <vector>

namespace tinct {

/// The instruction set that the kernels run with here: "AVX3" (AVX-512), "AVX2", "SSE4", "NEON".
std::string simd_level();
/// Bytes of its vectors.
std::size_t simd_bytes();
/// Every instruction set that was compiled in, best first.
std::vector<std::string> compiled_simd_levels();
/// "1.0.3"
std::string highway_version();

}  // namespace tinct
