// Dahl's loss, from JPEG's colour conversion, blur and absolute differences.
#include "layers/dahl_loss.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "core/threads.h"
#include "kernels/blurred_euclidean.h"
#include "layers/add.h"
#include "layers/gaussian_blur.h"
#include "layers/loss.h"
#include "layers/scale.h"

namespace tinct {
namespace {

// The code's own constants, of components in 0..255.
struct Affine {
  std::size_t in, out;
  std::array<std::array<float, 3>, 3> factor;  // [output][input]
  std::array<float, 3> shift;
};
constexpr Affine kToRgb = {
    2, 3, {{{0, 1.402f}, {-.34414f, -.71414f}, {1.772f, 0}}}, {-179.456f, 135.459839f, -226.816f}};
constexpr Affine kToChroma = {
    3, 2, {{{-.168736f, -.331264f, .5f}, {.5f, -.418688f, -.081312f}}}, {128, 128}};

// y = clip(factor x + shift + luma) of each pixel, of components in 0..1; `luma` (n,h,w,1) may be
// empty.
Value convert(const Affine& map, const Value& x, const Tensor& luma) {
  const Shape s = x.shape();
  Tensor y({s.n, s.h, s.w, map.out});
  const float* in = x.data().f32();
  const float* added = luma.defined() ? luma.f32() : nullptr;
  float* out = y.f32();
  parallel_for(s.pixels(), [=, &map](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      for (std::size_t o = 0; o < map.out; ++o) {
        float sum = map.shift[o] / 255 + (added != nullptr ? added[p] : 0);
        for (std::size_t i = 0; i < map.in; ++i) sum += map.factor[o][i] * in[p * map.in + i];
        out[p * map.out + o] = std::clamp(sum, 0.0f, 1.0f);
      }
    }
  });
  return Value(y, {x}, [map, y, s](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s);
    const float* g = dy.f32();
    const float* clipped = y.f32();
    float* d = dx.f32();
    parallel_for(s.pixels(), [=, &map](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        for (std::size_t i = 0; i < map.in; ++i) {
          float sum = 0;
          for (std::size_t o = 0; o < map.out; ++o) {
            const float value = clipped[p * map.out + o];
            if (value > 0 && value < 1) sum += map.factor[o][i] * g[p * map.out + o];
          }
          d[p * map.in + i] = sum;
        }
      }
    });
    inputs[0].add_grad(std::move(dx));
  });
}

Value chroma_of(const Value& rgb, std::size_t blur) {
  if (blur == 0) return convert(kToChroma, rgb, {});
  const GaussianBlurOptions kernel{
      .size = blur, .sigma = kDahlSigma, .normalised = false, .border = Border::zero};
  return convert(kToChroma, gaussian_blur(rgb, kernel), {});
}

}  // namespace

Value dahl_loss(const Value& chroma, const Tensor& luma, const Tensor& rgb) {
  const Shape s = chroma.shape();
  if (s.c != 2 || luma.shape() != Shape{s.n, s.h, s.w, 1} ||
      rgb.shape() != Shape{s.n, s.h, s.w, 3}) {
    throw std::invalid_argument("dahl_loss: chroma " + to_string(s) + ", luma " +
                                to_string(luma.shape()) + ", rgb " + to_string(rgb.shape()));
  }
  const Value predicted = convert(kToRgb, chroma, luma);
  const Value truth(rgb);
  Value sum;
  for (const std::size_t blur : {0, 3, 5}) {
    const Value term = l1_loss(chroma_of(predicted, blur), chroma_of(truth, blur).data());
    sum = sum.defined() ? add(sum, term) : term;
  }
  return scale(sum, 1.0f / 3);
}

}  // namespace tinct
