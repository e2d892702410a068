// Lightness as grey RGB, and as blocks of pixels.
#include "layers/neutral_rgb.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/threads.h"
#include "kernels/colour.h"

namespace tinct {

Value neutral_rgb(const Value& x) {
  const Shape s = x.shape();
  if (s.c != 1) {
    throw std::invalid_argument("neutral_rgb: " + to_string(s) + " has not one channel");
  }
  Tensor rgb({s.n, s.h, s.w, 3});
  const float* in = x.data().f32();
  float* out = rgb.f32();
  parallel_for(s.n * s.h, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin * s.w; i < end * s.w; ++i) {
      const float lightness = std::clamp(in[i] * 50 + 50, 0.0f, 100.0f);
      out[3 * i] = lightness;
      out[3 * i + 1] = out[3 * i + 2] = 0;
    }
    float* rows = out + 3 * begin * s.w;
    cpu::lab_to_srgb((end - begin) * s.w, rows, rows);
  });
  return Value(std::move(rgb));
}

Value space_to_depth(const Value& x, std::size_t side) {
  const Shape s = x.shape();
  if (s.c != 1 || side == 0 || s.h % side != 0 || s.w % side != 0) {
    throw std::invalid_argument("space_to_depth: " + to_string(s) + " in blocks of side " +
                                std::to_string(side));
  }
  Tensor y({s.n, s.h / side, s.w / side, side * side});
  const float* in = x.data().f32();
  float* out = y.f32();
  for (std::size_t row = 0; row < s.n * s.h / side; ++row) {
    for (std::size_t column = 0; column < s.w / side; ++column) {
      for (std::size_t dy = 0; dy < side; ++dy) {
        out = std::copy_n(in + (row * side + dy) * s.w + column * side, side, out);
      }
    }
  }
  return Value(std::move(y));
}

}  // namespace tinct
