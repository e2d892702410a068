// Channel order, scale and shift of RGB pictures.
#include "layers/normalise_rgb.h"

#include <stdexcept>

namespace tinct {

Value normalise_rgb(const Value& x, const RgbNormalisation& normalisation) {
  const Shape s = x.shape();
  if (s.c != 3) throw std::invalid_argument("normalise_rgb: " + to_string(s) + " is not RGB");
  Tensor y(s);
  const float* in = x.data().f32();
  float* out = y.f32();
  const RgbNormalisation& m = normalisation;
  for (std::size_t i = 0; i < s.size(); i += 3) {
    for (std::size_t k = 0; k < 3; ++k) out[i + k] = in[i + m.channel[k]] * m.scale[k] + m.shift[k];
  }
  return Value(y, {x}, [m, s](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx = Tensor::zeros(s);
    const float* g = dy.f32();
    float* d = dx.f32();
    for (std::size_t i = 0; i < s.size(); i += 3) {
      for (std::size_t k = 0; k < 3; ++k) d[i + m.channel[k]] += g[i + k] * m.scale[k];
    }
    inputs[0].add_grad(dx);
  });
}

}  // namespace tinct
