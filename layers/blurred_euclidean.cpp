// Dahl's loss: the difference of two pictures, sharp and blurred twice.
#include "layers/blurred_euclidean.h"

#include <stdexcept>
#include <utility>

#include "kernels/twins.h"
#include "layers/cast.h"
#include "layers/fused_loss.h"

namespace tinct {

Value blurred_euclidean(const Value& output, const Tensor& target,
                        const BlurredEuclideanOptions& options) {
  const Value prediction = cast(output, DType::f32);
  const Shape s = prediction.shape();
  if (s.size() == 0 || !target.defined() || target.shape() != s) {
    throw std::invalid_argument("blurred_euclidean: prediction " + to_string(s) + ", target " +
                                (target.defined() ? to_string(target.shape()) : "none"));
  }
  const Device device = common_device("blurred_euclidean", {&prediction.data(), &target});
  BlurredEuclidean loss{s, {}, options.border, options.squared};
  for (const std::size_t size : options.sizes) {
    loss.taps.push_back(gaussian_taps(size, options.sigma, options.normalised));
  }
  Tensor gradient = needs_grad({&prediction}) ? Tensor(s, device) : Tensor();
  const double value = TINCT_ON(device, blurred_euclidean, loss, prediction.data().f32(),
                                target.f32(), gradient.defined() ? gradient.f32() : nullptr);
  return fused_loss(value, prediction, std::move(gradient));
}

}  // namespace tinct
