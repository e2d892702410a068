// Tensors as tensor cores want them: bf16, channels a multiple of 8. For .cu files.
#pragma once

#include "core/simt/simt.h"

namespace tinct::gpu {

/// The channels that a row of `c` takes in such a tensor.
constexpr std::size_t padded_channels(std::size_t c) {
  return (c + 7) / 8 * 8;
}

/// A copy in bf16, each row zero from `c` to padded_channels(c).
void bf16_rows(std::size_t rows, std::size_t c, const bf16* from, bf16* to);
void bf16_rows(std::size_t rows, std::size_t c, const float* from, bf16* to);

/// A tensor as it is where that is good enough, else such a copy, which lives as long as this.
class Bf16Rows {
 public:
  Bf16Rows(std::size_t rows, std::size_t c, const bf16* from) : data_(from) {
    if (c % 8 != 0) copy(rows, c, from);
  }
  Bf16Rows(std::size_t rows, std::size_t c, const float* from) { copy(rows, c, from); }
  const bf16* data() const { return data_; }

 private:
  template <class T>
  void copy(std::size_t rows, std::size_t c, const T* from) {
    copy_ = device::Array<bf16>(rows * padded_channels(c));
    bf16_rows(rows, c, from, copy_.data());
    data_ = copy_.data();
  }

  device::Array<bf16> copy_;
  const bf16* data_ = nullptr;
};

}  // namespace tinct::gpu
