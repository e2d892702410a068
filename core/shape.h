// The extents of a dense NHWC array.
#pragma once

#include <cstddef>
#include <string>

namespace tinct {

/// Four extents, innermost last. A vector is (1,1,1,c); convolution weights are (out,kh,kw,in).
struct Shape {
  std::size_t n = 1;
  std::size_t h = 1;
  std::size_t w = 1;
  std::size_t c = 1;

  std::size_t size() const { return n * h * w * c; }
  std::size_t pixels() const { return n * h * w; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// "(8,128,128,3)"
inline std::string to_string(const Shape& s) {
  return "(" + std::to_string(s.n) + "," + std::to_string(s.h) + "," + std::to_string(s.w) + "," +
         std::to_string(s.c) + ")";
}

}  // namespace tinct
