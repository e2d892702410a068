// Channel order, scale and shift of RGB pictures.
#include "layers/normalise_rgb.h"

#include <stdexcept>

#include "kernels/pixel_affine.h"
#include "kernels/twins.h"

namespace tinct {

Value normalise_rgb(const Value& x, const RgbNormalisation& normalisation) {
  const Shape s = x.shape();
  if (s.c != 3) throw std::invalid_argument("normalise_rgb: " + to_string(s) + " is not RGB");
  PixelAffine map;
  for (std::size_t k = 0; k < 3; ++k) {
    map.factor[k][normalisation.channel[k]] = normalisation.scale[k];
    map.shift[k] = normalisation.shift[k];
  }
  Tensor y(s, x.device());
  TINCT_ON(x.device(), pixel_affine, map, s.pixels(), x.data().f32(), nullptr, y.f32());
  return Value(y, {x}, [map, s](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx(s, dy.device());
    TINCT_ON(dy.device(), pixel_affine_backward, map, s.pixels(), nullptr, dy.f32(), dx.f32());
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
