// Division of device integers by a number known at the launch: a multiplication and a shift.
#pragma once

#include <stdexcept>
#include <string>

#include "core/simt/simt.h"

namespace tinct::gpu {

/// n / divisor for 0 <= n < 2^31: (n m / 2^32 + n) / 2^shift, with 2^shift >= divisor and m =
/// 2^32 (2^shift - divisor) / divisor + 1 (Granlund and Montgomery, "Division by invariant
/// integers using multiplication", PLDI 1994, figure 4.1). divisor is 1 to 2^31 - 1.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(unsigned divisor) : divisor_(divisor) {
    while ((std::uint64_t{1} << shift_) < divisor) ++shift_;
    const std::uint64_t excess = (std::uint64_t{1} << shift_) - divisor;
    multiplier_ = static_cast<unsigned>((excess << 32) / divisor + 1);
  }

  __host__ __device__ unsigned value() const { return divisor_; }
  __device__ unsigned divide(unsigned n) const {
    const auto high = static_cast<unsigned>(std::uint64_t{n} * multiplier_ >> 32);
    return (high + n) >> shift_;
  }

 private:
  unsigned divisor_ = 1, multiplier_ = 1, shift_ = 0;
};

/// `count`, if Divisor can divide every index below it. Throws std::invalid_argument, naming the
/// operation, from 2^31 on.
inline unsigned small_index(const char* operation, std::size_t count) {
  if (count >= std::size_t{1} << 31) {
    throw std::invalid_argument(std::string(operation) + ": " + std::to_string(count) +
                                " elements are more than the device's 31-bit indices reach");
  }
  return static_cast<unsigned>(count);
}

}  // namespace tinct::gpu
