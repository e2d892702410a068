// What the losses share: a scalar whose gradient was computed with its value.
#include "layers/fused_loss.h"

#include "core/threads.h"

namespace tinct {

Value fused_loss(double value, const Value& prediction, Tensor gradient) {
  return Value(Tensor::full({}, static_cast<float>(value)), {prediction},
               [gradient = std::move(gradient)](std::vector<Value>& inputs, const Tensor& dy) {
                 const float scale = dy.f32()[0];
                 if (scale == 1) {
                   inputs[0].add_grad(gradient);
                   return;
                 }
                 Tensor dx(gradient.shape());
                 const float* g = gradient.f32();
                 float* d = dx.f32();
                 parallel_for(dx.size(), [=](std::size_t begin, std::size_t end) {
                   for (std::size_t i = begin; i < end; ++i) d[i] = scale * g[i];
                 });
                 inputs[0].add_grad(std::move(dx));
               });
}

}  // namespace tinct
