// Lightness as grey RGB, and as blocks of pixels.
#include "layers/neutral_rgb.h"

#include <stdexcept>
#include <string>

#include "kernels/neutral_rgb.h"
#include "kernels/twins.h"

namespace tinct {

Value neutral_rgb(const Value& x) {
  const Shape s = x.shape();
  if (s.c != 1) {
    throw std::invalid_argument("neutral_rgb: " + to_string(s) + " has not one channel");
  }
  Tensor rgb({s.n, s.h, s.w, 3}, x.device());
  TINCT_ON(x.device(), neutral_rgb, s.pixels(), x.data().f32(), rgb.f32());
  return Value(std::move(rgb));
}

Value space_to_depth(const Value& x, std::size_t side) {
  const Shape s = x.shape();
  if (s.c != 1 || side == 0 || s.h % side != 0 || s.w % side != 0) {
    throw std::invalid_argument("space_to_depth: " + to_string(s) + " in blocks of side " +
                                std::to_string(side));
  }
  Tensor y({s.n, s.h / side, s.w / side, side * side}, x.device());
  TINCT_ON(x.device(), space_to_depth, s, side, x.data().f32(), y.f32());
  return Value(std::move(y));
}

}  // namespace tinct
