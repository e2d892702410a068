// Copies of tensors in bf16 with channels padded to a multiple of 8. Bound by memory: each number
// read once, 2 bytes written.
#include "kernels/conv/bf16_rows.h"

namespace tinct::gpu {
namespace {

__device__ inline bf16 rounded(float v) {
  return to_bf16(v);
}
__device__ inline bf16 rounded(bf16 v) {
  return v;
}

// Lanes x walk along a row in pairs of channels, y over the rows.
template <class T>
__global__ void pad_rows(std::size_t rows, int c, int padded, const T* from, bf16* to) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.y;
  const int lanes = static_cast<int>(blockDim.x);
  for (std::size_t row = static_cast<std::size_t>(blockIdx.x) * blockDim.y + threadIdx.y;
       row < rows; row += step) {
    for (int i = 2 * static_cast<int>(threadIdx.x); i < padded; i += 2 * lanes) {
      const bf16 low = i < c ? rounded(from[row * c + i]) : bf16{0};
      const bf16 high = i + 1 < c ? rounded(from[row * c + i + 1]) : bf16{0};
      *reinterpret_cast<std::uint32_t*>(to + row * padded + i) = pack(low, high);
    }
  }
}

// A thread owns vectors of four.
__global__ void round_all(std::size_t vectors, const float* from, bf16* to) {
  for (std::size_t i = first_item(); i < vectors; i += item_step()) {
    const float4 v = reinterpret_cast<const float4*>(from)[i];
    reinterpret_cast<uint2*>(to)[i] =
        make_uint2(pack(to_bf16(v.x), to_bf16(v.y)), pack(to_bf16(v.z), to_bf16(v.w)));
  }
}

template <class T>
void pad(std::size_t rows, std::size_t c, const T* from, bf16* to) {
  const auto padded = static_cast<int>(padded_channels(c));
  unsigned lanes = 4;
  while (lanes < 32 && 2 * lanes < static_cast<unsigned>(padded)) lanes *= 2;
  Launch l = over(rows, 256 / lanes);
  l.block = dim3(lanes, 256 / lanes);
  launch(l, pad_rows<T>, rows, static_cast<int>(c), padded, from, to);
}

}  // namespace

void bf16_rows(std::size_t rows, std::size_t c, const bf16* from, bf16* to) {
  pad(rows, c, from, to);
}

void bf16_rows(std::size_t rows, std::size_t c, const float* from, bf16* to) {
  if (c % 8 != 0) return pad(rows, c, from, to);
  launch(over(rows * c / 4), round_all, rows * c / 4, from, to);
}

}  // namespace tinct::gpu
