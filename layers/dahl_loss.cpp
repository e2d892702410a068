// Dahl's loss, from JPEG's colour conversion, blur and absolute differences.
#include "layers/dahl_loss.h"

#include <stdexcept>
#include <utility>

#include "kernels/blurred_euclidean.h"
#include "kernels/pixel_affine.h"
#include "kernels/twins.h"
#include "layers/add.h"
#include "layers/cast.h"
#include "layers/gaussian_blur.h"
#include "layers/loss.h"
#include "layers/scale.h"

namespace tinct {
namespace {

// The code's own constants, of components in 0..255.
constexpr PixelAffine kToRgb = {2,
                                3,
                                {{{0, 1.402f}, {-.34414f, -.71414f}, {1.772f, 0}}},
                                {-179.456f / 255, 135.459839f / 255, -226.816f / 255},
                                true};
constexpr PixelAffine kToChroma = {3,
                                   2,
                                   {{{-.168736f, -.331264f, .5f}, {.5f, -.418688f, -.081312f}}},
                                   {128.0f / 255, 128.0f / 255},
                                   true};

// y = clip(factor x + shift + luma) of each pixel, of components in 0..1; `luma` (n,h,w,1) may be
// empty.
Value convert(const PixelAffine& map, const Value& x, const Tensor& luma) {
  const Shape s = x.shape();
  const Device device = common_device("dahl_loss", {&x.data(), &luma});
  Tensor y({s.n, s.h, s.w, map.out}, device);
  TINCT_ON(device, pixel_affine, map, s.pixels(), x.data().f32(),
           luma.defined() ? luma.f32() : nullptr, y.f32());
  return Value(y, {x}, [map, y, s](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.device());
    TINCT_ON(dy.device(), pixel_affine_backward, map, s.pixels(), y.f32(), dy.f32(), dx.f32());
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
  const Value predicted = convert(kToRgb, cast(chroma, DType::f32), luma);
  const Value truth(rgb);
  Value sum;
  for (const std::size_t blur : {0, 3, 5}) {
    const Value term = l1_loss(chroma_of(predicted, blur), chroma_of(truth, blur).data());
    sum = sum.defined() ? add(sum, term) : term;
  }
  return scale(sum, 1.0f / 3);
}

}  // namespace tinct
