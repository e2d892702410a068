// Gaussian blur, differentiable.
#include "layers/gaussian_blur.h"

#include <utility>

#include "kernels/twins.h"

namespace tinct {

Value gaussian_blur(const Value& x, const GaussianBlurOptions& options) {
  const auto taps = gaussian_taps(options.size, options.sigma, options.normalised);
  const auto blur = [taps, border = options.border](const Tensor& from) {
    Tensor to(from.shape(), from.device());
    TINCT_ON(to.device(), gaussian_blur, from.shape(), taps, border, from.f32(), to.f32());
    return to;
  };
  return Value(blur(x.data()), {x}, [blur](std::vector<Value>& inputs, const Tensor& dy) {
    inputs[0].add_grad(blur(dy));
  });
}

}  // namespace tinct
