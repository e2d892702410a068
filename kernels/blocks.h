// Cutting a flat array for the threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/threads.h"

namespace tinct {

/// Calls body(begin, count) for disjoint pieces of [0, count) that start at multiples of `block`,
/// threaded; an array of one block runs on the caller alone.
template <class Body>
void for_each_piece(std::size_t count, const Body& body, std::size_t block = 8192) {
  parallel_for((count + block - 1) / block, [&](std::size_t begin, std::size_t end) {
    body(begin * block, std::min(end * block, count) - begin * block);
  });
}

}  // namespace tinct
