// What the losses share: a scalar whose gradient was computed with its value.
#include "layers/fused_loss.h"

#include "kernels/scale.h"
#include "kernels/twins.h"

namespace tinct {

Value fused_loss(double value, const Value& prediction, Tensor gradient) {
  return Value(Tensor::full({}, static_cast<float>(value)), {prediction},
               [gradient = std::move(gradient)](std::vector<Value>& inputs, const Tensor& dy) {
                 const float scale = dy.f32()[0];
                 if (scale == 1) {
                   inputs[0].add_grad(gradient);
                   return;
                 }
                 Tensor dx(gradient.shape(), gradient.device());
                 TINCT_ON(dx.device(), scale, dx.size(), scale, gradient.f32(), dx.f32());
                 inputs[0].add_grad(std::move(dx));
               });
}

}  // namespace tinct
