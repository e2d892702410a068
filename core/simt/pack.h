// A few neighbouring numbers in registers as f32, whatever they are stored as: one access of 16
// bytes where the layout allows it, one number elsewhere.
#pragma once

#include "core/simt/divide.h"
#include "core/simt/simt.h"

namespace tinct::gpu {

template <int kWidth>
struct Pack {
  float v[kWidth];
};

/// What fits into 16 bytes: 4 floats, 8 bf16.
template <class T>
inline constexpr int kFullPack = 16 / static_cast<int>(sizeof(T));

/// p is aligned to the whole pack; kWidth is 1, 4 or kFullPack.
template <int kWidth>
__device__ __forceinline__ Pack<kWidth> load(const float* p) {
  static_assert(kWidth == 1 || kWidth == 4);
  if constexpr (kWidth == 1) {
    return {{*p}};
  } else {
    const float4 raw = *reinterpret_cast<const float4*>(p);
    return {{raw.x, raw.y, raw.z, raw.w}};
  }
}

__device__ __forceinline__ float low_half(unsigned two) {
  return __uint_as_float(two << 16);
}
__device__ __forceinline__ float high_half(unsigned two) {
  return __uint_as_float(two & 0xFFFF0000u);
}

template <int kWidth>
__device__ __forceinline__ Pack<kWidth> load(const bf16* p) {
  static_assert(kWidth == 1 || kWidth == 4 || kWidth == 8);
  if constexpr (kWidth == 1) {
    return {{to_float(*p)}};
  } else if constexpr (kWidth == 4) {
    const uint2 raw = *reinterpret_cast<const uint2*>(p);
    return {{low_half(raw.x), high_half(raw.x), low_half(raw.y), high_half(raw.y)}};
  } else {
    const uint4 raw = *reinterpret_cast<const uint4*>(p);
    return {{low_half(raw.x), high_half(raw.x), low_half(raw.y), high_half(raw.y), low_half(raw.z),
             high_half(raw.z), low_half(raw.w), high_half(raw.w)}};
  }
}

template <int kWidth>
__device__ __forceinline__ void store(float* p, const Pack<kWidth>& a) {
  if constexpr (kWidth == 1) {
    *p = a.v[0];
  } else {
    *reinterpret_cast<float4*>(p) = make_float4(a.v[0], a.v[1], a.v[2], a.v[3]);
  }
}

/// Rounds to the nearest.
template <int kWidth>
__device__ __forceinline__ void store(bf16* p, const Pack<kWidth>& a) {
  if constexpr (kWidth == 1) {
    *p = to_bf16(a.v[0]);
  } else if constexpr (kWidth == 4) {
    *reinterpret_cast<uint2*>(p) =
        make_uint2(pack(to_bf16(a.v[0]), to_bf16(a.v[1])), pack(to_bf16(a.v[2]), to_bf16(a.v[3])));
  } else {
    *reinterpret_cast<uint4*>(p) =
        make_uint4(pack(to_bf16(a.v[0]), to_bf16(a.v[1])), pack(to_bf16(a.v[2]), to_bf16(a.v[3])),
                   pack(to_bf16(a.v[4]), to_bf16(a.v[5])), pack(to_bf16(a.v[6]), to_bf16(a.v[7])));
  }
}

/// Calls f<kWidth>(first element) for this thread's part of `count` elements of T: full packs, a
/// grid apart; the last few elements go to one thread each. For arrays aligned to 16 bytes.
template <class T, class F>
__device__ __forceinline__ void for_each_pack(std::size_t count, F&& f) {
  constexpr int kWidth = kFullPack<T>;
  const std::size_t packs = count / kWidth;
  for (std::size_t i = first_item(); i < packs; i += item_step()) {
    f.template operator()<kWidth>(i * kWidth);
  }
  const std::size_t last = packs * kWidth + first_item();
  if (last < count) f.template operator()<1>(last);
}

/// The grid for for_each_pack.
template <class T>
Launch over_packs(std::size_t count) {
  return over(ceil_div<std::size_t>(count, kFullPack<T>));
}

/// Calls f<kWidth>() with the widest pack into which rows of `c` elements can be cut.
template <class T, class F>
void with_width(std::size_t c, F&& f) {
  if (c % kFullPack<T> == 0) {
    f.template operator()<kFullPack<T>>();
  } else {
    f.template operator()<1>();
  }
}

/// A grid for kernels whose blocks go along `packs` of a row in x and over the rows in y, which
/// they stride over: a grid has at most 65535.
inline Launch over_rows(std::size_t rows, std::size_t packs) {
  const unsigned block =
      packs >= 256 ? 256u : ceil_div(static_cast<unsigned>(packs), kWarp) * kWarp;
  return {dim3(static_cast<unsigned>(ceil_div<std::size_t>(packs, block)),
               rows < 65535 ? static_cast<unsigned>(rows) : 65535u),
          dim3(block)};
}

/// What a thread of such a grid owns of every row, whose pixels are so many packs.
struct PackOfRow {
  unsigned pixel, channel;  ///< the pixel, and the pack's first channel there
  std::size_t channels;     ///< of a pixel
};
template <int kWidth>
__device__ __forceinline__ PackOfRow pack_of_row(const Divisor& packs) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, pixel = packs.divide(i);
  return {pixel, (i - pixel * packs.value()) * kWidth, packs.value() * kWidth};
}

}  // namespace tinct::gpu
