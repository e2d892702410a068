// The numbers drawn from Philox blocks.
#include "core/random.h"

#include <cmath>
#include <numbers>

#include "core/philox.h"

namespace tinct {
namespace {

// Mixes a 64-bit word into another (splitmix64's finaliser), to fold epoch, sample and purpose into
// the counter.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> key) {
  const PhiloxBlock block = philox({c[0], c[1], c[2], c[3]}, key[0], key[1]);
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

Random::Random(std::uint64_t seed, Purpose purpose, std::uint64_t epoch, std::uint64_t sample)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {
  const std::uint64_t base =
      mix(mix(mix(static_cast<std::uint64_t>(purpose)) ^ epoch) ^ (sample * 2 + 1));
  base_ = {static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(base >> 32)};
}

std::array<std::uint32_t, 4> Random::counter(std::uint64_t block) const {
  return {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), base_[0],
          base_[1]};
}

std::uint32_t Random::word(std::uint64_t index, std::uint32_t stream) const {
  std::array<std::uint32_t, 4> c = counter(index / 4);
  c[1] ^= stream << 31;
  return philox(c, key_)[index % 4];
}

std::uint32_t Random::bits(std::uint64_t index) const {
  return word(index, 0);
}

float Random::uniform(std::uint64_t index) const {
  return static_cast<float>(bits(index) >> 8) * 0x1p-24f;
}

float Random::normal(std::uint64_t index) const {
  const double u1 = (static_cast<double>(word(2 * index, 1)) + 0.5) * 0x1p-32;
  const double u2 = static_cast<double>(word(2 * index + 1, 1)) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u1)) * std::cos(2.0 * std::numbers::pi * u2));
}

std::uint32_t Random::below(std::uint64_t index, std::uint32_t bound) const {
  return static_cast<std::uint32_t>((std::uint64_t{bits(index)} * bound) >> 32);
}

}  // namespace tinct
