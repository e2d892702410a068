// Randomness as a pure function of (seed, epoch, sample, purpose, index): there is no generator
// state to save. Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC
// 2011.
#pragma once

#include <array>
#include <cstdint>

namespace tinct {

/// One Philox4x32-10 block: four random words.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// What numbers are drawn for; each purpose has its own stream.
enum class Purpose : std::uint32_t { init, shuffle, augment, dropout, bench, test };

/// A stream of random numbers, addressed by index.
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::uint64_t epoch = 0, std::uint64_t sample = 0);

  std::uint32_t bits(std::uint64_t index) const;
  /// In [0, 1), a multiple of 2^-24.
  float uniform(std::uint64_t index) const;
  /// Standard normal, by Box-Muller from the words of two indices of a stream of its own.
  float normal(std::uint64_t index) const;
  /// The Philox counter and key whose block holds bits(4 block) ... bits(4 block + 3), for kernels
  /// that draw many.
  std::array<std::uint32_t, 4> counter(std::uint64_t block) const;
  const std::array<std::uint32_t, 2>& key() const { return key_; }
  /// In [0, bound), without modulo bias above 2^-32. bound > 0.
  std::uint32_t below(std::uint64_t index, std::uint32_t bound) const;

 private:
  std::uint32_t word(std::uint64_t index, std::uint32_t stream) const;

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 2> base_;
};

}  // namespace tinct
