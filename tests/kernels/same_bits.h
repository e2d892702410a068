// Checking that a result does not depend on the number of threads.
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include "core/tensor.h"
#include "core/threads.h"

namespace tinct::test {

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
    } else if (t.bytes() != first.bytes() || std::memcmp(t.f32(), first.f32(), t.bytes()) != 0) {
      difference = std::to_string(count) + " threads give other bits than one";
    }
  }
  set_threads(before);
  return difference;
}

}  // namespace tinct::test
