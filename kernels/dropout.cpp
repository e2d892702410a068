// Dropout on the CPU: as many Philox blocks side by side as a vector has lanes.
// Bytes: x is read, y is written; the 40 multiplications a block of four take about as long.
#include "kernels/dropout.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The 64-bit products of 32-bit lanes with a constant, as two vectors of low and high halves.
template <class D, class V>
HWY_INLINE void multiply(D d, V x, std::uint32_t by, V& low, V& high) {
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = std::uint64_t{hn::GetLane(x)} * by;
  low = hn::Set(d, static_cast<std::uint32_t>(product));
  high = hn::Set(d, static_cast<std::uint32_t>(product >> 32));
#else
  const hn::RepartitionToWide<D> wide;
  const auto factor = hn::Set(d, by);
  const auto even = hn::MulEven(x, factor);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), factor);
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
#endif
}

// The words of consecutive blocks (core/random.h), a block a lane, stored one after another.
template <class D>
HWY_INLINE void draw(D d, const Random& random, std::uint64_t block, std::uint32_t* words) {
  const std::array<std::uint32_t, 4> first = random.counter(block);
  // A carry into the second word would need a tensor of 2^34 elements that starts beside it.
  auto c0 = hn::Add(hn::Set(d, first[0]), hn::Iota(d, 0));
  auto c1 = hn::Set(d, first[1]);
  auto c2 = hn::Set(d, first[2]);
  auto c3 = hn::Set(d, first[3]);
  std::array<std::uint32_t, 2> key = random.key();
  for (int round = 0; round < 10; ++round) {
    auto low0 = hn::Zero(d), high0 = low0, low1 = low0, high1 = low0;
    multiply(d, c0, 0xD2511F53u, low0, high0);
    multiply(d, c2, 0xCD9E8D57u, low1, high1);
    c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, key[0]));
    c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, key[1]));
    c1 = low1;
    c3 = low0;
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  hn::StoreInterleaved4(c0, c1, c2, c3, d, words);
}

// Groups [begin, end) of four vectors; the last of the tensor may be short.
void drop_groups(const Random& random, float rate, std::size_t begin, std::size_t end,
                 std::size_t count, const float* x, float* y) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::ScalableTag<float> df;
  const std::size_t lanes = hn::Lanes(d);
  const std::uint32_t threshold = dropout_threshold(rate);
  const float factor = 1.0f / (1.0f - rate);
  const auto least = hn::Set(d, threshold);
  const auto scale = hn::Set(df, factor);
  HWY_ALIGN std::uint32_t words[4 * HWY_MAX_BYTES / sizeof(float)];
  for (std::size_t group = begin; group < end; ++group) {
    draw(d, random, group * lanes, words);
    const std::size_t first = group * 4 * lanes;
    if (first + 4 * lanes <= count) {
      for (std::size_t i = 0; i < 4 * lanes; i += lanes) {
        const auto word = hn::Load(d, words + i);
        const auto keep = hn::RebindMask(df, hn::Eq(hn::Max(word, least), word));
        const auto scaled = hn::Mul(scale, hn::LoadU(df, x + first + i));
        hn::StoreU(hn::IfThenElseZero(keep, scaled), df, y + first + i);
      }
    } else {
      for (std::size_t i = first; i < count; ++i) {
        y[i] = words[i - first] >= threshold ? factor * x[i] : 0.0f;
      }
    }
  }
}

std::size_t group_size() {
  return 4 * hn::Lanes(hn::ScalableTag<std::uint32_t>());
}

// Rows [begin, end) of (n * pixels, c), each times its sample's row of factors.
void scale_rows(std::size_t begin, std::size_t end, std::size_t pixels, std::size_t c,
                const float* factors, const float* x, float* y) {
  for (std::size_t row = begin; row < end; ++row) {
    const float* f = factors + row / pixels * c;
    for (std::size_t k = 0; k < c; ++k) y[row * c + k] = f[k] * x[row * c + k];
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(drop_groups);
HWY_EXPORT(group_size);
HWY_EXPORT(scale_rows);

}  // namespace

void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y) {
  const std::size_t size = HWY_DYNAMIC_DISPATCH(group_size)();
  parallel_for((count + size - 1) / size, [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(drop_groups)(random, rate, begin, end, count, x, y);
  });
}

void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const float* x, float* y) {
  std::vector<float> factors(n * c, 1.0f);
  dropout(random, rate, factors.size(), factors.data(), factors.data());
  parallel_for(n * pixels, [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(scale_rows)(begin, end, pixels, c, factors.data(), x, y);
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
