// Rows of exact bilinear doubling.
#include "kernels/bilinear_upsample_x2.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bilinear_upsample_x2.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

// A vector of one float cannot hold the pixels of two.
constexpr bool kInterleaves = HWY_TARGET != HWY_SCALAR;

// Even and odd pixels of one or two floats, interleaved in memory.
template <class D, class V>
HWY_INLINE void store_pixels(D d, std::size_t c, V even, V odd, float* y) {
  if (c == 1) return hn::StoreInterleaved2(even, odd, d, y);
  if constexpr (kInterleaves) {
    const hn::Repartition<double, D> pairs;
    hn::StoreInterleaved2(hn::BitCast(pairs, even), hn::BitCast(pairs, odd), pairs,
                          reinterpret_cast<double*>(y));
  }
}

template <class D, class V>
HWY_INLINE void load_pixels(D d, std::size_t c, const float* x, V& even, V& odd) {
  if (c == 1) return hn::LoadInterleaved2(d, x, even, odd);
  if constexpr (kInterleaves) {
    const hn::Repartition<double, D> pairs;
    auto first = hn::Zero(pairs);
    auto second = hn::Zero(pairs);
    hn::LoadInterleaved2(pairs, reinterpret_cast<const double*>(x), first, second);
    even = hn::BitCast(d, first);
    odd = hn::BitCast(d, second);
  }
}

void double_one_row(std::size_t width, std::size_t c, const float* HWY_RESTRICT row,
                    float* HWY_RESTRICT y, bool stream) {
  const auto blend = [&](auto d, std::size_t at, auto& even, auto& odd) {
    const auto quarter = hn::Set(d, 0.25f);
    const auto middle = hn::LoadU(d, row + at);
    even = lerp(middle, hn::LoadU(d, row + at - c), quarter);
    odd = lerp(middle, hn::LoadU(d, row + at + c), quarter);
  };
  if (kInterleaves && c <= 2) {
    const hn::ScalableTag<float> d;
    for_vectors(d, width * c, [&](std::size_t i) {
      auto even = hn::Zero(d);
      auto odd = hn::Zero(d);
      blend(d, i, even, odd);
      store_pixels(d, c, even, odd, y + 2 * i);
    });
    return;
  }
  const auto wide = [&](auto d) {
    with_store(stream, [&](auto store) {
      for (std::size_t x = 0; x < width; ++x, y += 2 * c) {
        for_vectors(d, c, [&](std::size_t i) {
          auto even = hn::Zero(d);
          auto odd = hn::Zero(d);
          blend(d, x * c + i, even, odd);
          store(even, d, y + i);
          store(odd, d, y + c + i);
        });
      }
    });
  };
  for_channels(c, wide, [](auto) {});
}

void halve_one_row(std::size_t width, std::size_t c, const float* HWY_RESTRICT row,
                   float* HWY_RESTRICT dx) {
  // 1/4 of the outer two of four neighbouring outputs and 3/4 of the inner two.
  const auto blend = [](auto d, auto p0, auto p1, auto p2, auto p3) {
    return hn::MulAdd(hn::Set(d, 0.75f), hn::Add(p1, p2),
                      hn::Mul(hn::Set(d, 0.25f), hn::Add(p0, p3)));
  };
  if (kInterleaves && c <= 2) {
    const hn::ScalableTag<float> d;
    for_vectors(d, width * c, [&](std::size_t i) {
      auto p0 = hn::Zero(d);
      auto p1 = p0, p2 = p0, p3 = p0;
      load_pixels(d, c, row + 2 * i - c, p0, p1);
      load_pixels(d, c, row + 2 * i + c, p2, p3);
      hn::StoreU(blend(d, p0, p1, p2, p3), d, dx + i);
    });
    return;
  }
  const auto wide = [&](auto d) {
    const float* from = row - c;
    for (std::size_t x = 0; x < width; ++x, dx += c, from += 2 * c) {
      for_vectors(d, c, [&](std::size_t i) {
        hn::StoreU(blend(d, hn::LoadU(d, from + i), hn::LoadU(d, from + c + i),
                         hn::LoadU(d, from + 2 * c + i), hn::LoadU(d, from + 3 * c + i)),
                   d, dx + i);
      });
    }
  };
  for_channels(c, wide, [](auto) {});
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct {
namespace {

HWY_EXPORT(double_one_row);
HWY_EXPORT(halve_one_row);

void repeat_edges(std::size_t width, std::size_t c, float* row) {
  std::copy_n(row, c, row - c);
  std::copy_n(row + (width - 1) * c, c, row + width * c);
}

}  // namespace

bool doubles_rows(const Shape& s, std::size_t ow, Align align) {
  constexpr std::size_t kWidestVector = 16;
  return align == Align::half_pixel && ow == 2 * s.w &&
         (s.c >= 4 || (s.c <= 2 && s.w * s.c >= kWidestVector));
}

void double_row(std::size_t width, std::size_t c, float* row, float* y, bool stream) {
  repeat_edges(width, c, row);
  HWY_DYNAMIC_DISPATCH(double_one_row)(width, c, row, y, stream);
}

void halve_row(std::size_t width, std::size_t c, float* row, float* dx) {
  repeat_edges(2 * width, c, row);
  HWY_DYNAMIC_DISPATCH(halve_one_row)(width, c, row, dx);
}

}  // namespace tinct
#endif  // HWY_ONCE
