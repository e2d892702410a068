// Whether results are the same to the bit, and do not depend on the number of threads.
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include "core/tensor.h"
#include "core/threads.h"

namespace tinct::test {

/// Of f32 tensors, their shapes too.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.f32(), b.f32(), a.bytes()) == 0;
}

/// Empty when `f` returns the same bits with 1, 2, 3 and 7 threads.
inline std::string same_bits_for_any_threads(const std::function<Tensor()>& f) {
  const int before = threads();
  Tensor first;
  std::string difference;
  for (const int count : {1, 2, 3, 7}) {
    set_threads(count);
    const Tensor t = f();
    if (!first.defined()) {
      first = t;
    } else if (!same_bits(t, first)) {
      difference = std::to_string(count) + " threads give other bits than one";
    }
  }
  set_threads(before);
  return difference;
}

}  // namespace tinct::test
