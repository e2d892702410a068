// Dropout whose mask is a pure function of (seed, step, layer, index): nothing is stored.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/random.h"

namespace tinct {

struct bf16;

/// An element is kept when its random word is at least this: rate rounded to a multiple of 2^-32.
/// 0 <= rate < 1.
std::uint32_t dropout_threshold(float rate);

namespace ref {

/// y[i] = random.bits(i) >= threshold ? x[i] / (1 - rate) : 0. The gradient is the same function
/// of dy.
void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y);

/// x (n,pixels,c): a channel of a sample is kept or dropped whole; element (i,p,k) goes by word
/// i * c + k. The gradient is the same function of dy.
void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const float* x, float* y);

}  // namespace ref

namespace cpu {

void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y);
void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const float* x, float* y);

}  // namespace cpu

namespace gpu {

/// On device memory, 16-byte aligned; the same elements are kept as on the CPU. y may be x.
void dropout(const Random& random, float rate, std::size_t count, const float* x, float* y);
void dropout(const Random& random, float rate, std::size_t count, const bf16* x, bf16* y);
void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const float* x, float* y);
void channel_dropout(const Random& random, float rate, std::size_t n, std::size_t pixels,
                     std::size_t c, const bf16* x, bf16* y);

}  // namespace gpu
}  // namespace tinct
