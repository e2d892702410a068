// Batch normalisation as a module.
#include "layers/batch_norm.h"

#include <stdexcept>

#include "kernels/batch_norm.h"
#include "kernels/move_towards.h"
#include "kernels/twins.h"
#include "layers/activation.h"
#include "layers/stored.h"

namespace tinct {
namespace {

// running += momentum (batch - running); `factor` corrects the batch's figure first.
void move_towards(Tensor& running, const Tensor& batch, float momentum, double factor) {
  TINCT_ON(running.device(), move_towards, running.size(), batch.f32(), momentum, factor,
           running.f32());
}

// The kernels for f32 take the gradients in a struct, those for bf16 one by one.
void backward(Device device, const Shape& s, const BatchNormChannels& channels, const Tensor& x,
              const Tensor& dy, Activation activation, bool batch_statistics, Tensor& dx,
              Tensor& dgamma, Tensor& dbeta) {
  if (x.dtype() == DType::bf16) {
#ifdef TINCT_WITH_GPU
    gpu::batch_norm_backward(s.pixels(), s.c, channels, x.as<bf16>(), dy.as<bf16>(), activation,
                             batch_statistics, dx.defined() ? dx.as<bf16>() : nullptr, dgamma.f32(),
                             dbeta.f32());
#endif
    return;
  }
  const BatchNormGradients gradients{dx.defined() ? dx.f32() : nullptr, dgamma.f32(), dbeta.f32()};
  TINCT_ON(device, batch_norm_backward, s.pixels(), s.c, channels, x.f32(), dy.f32(), activation,
           batch_statistics, gradients);
}

}  // namespace

Value BatchNorm::operator()(const Value& x, const Mode& mode, Activation activation) const {
  if (activation == Activation::sigmoid || activation == Activation::tanh) {
    return activate((*this)(x, mode), activation);  // not fused
  }
  const Shape s = x.shape();
  if (s.c != gamma.shape().c || s.pixels() == 0) {
    throw std::invalid_argument("batch_norm: input " + to_string(s) + " for " +
                                std::to_string(gamma.shape().c) + " channels");
  }
  const Device device =
      common_device("batch_norm", {&x, &gamma, &beta, &running_mean, &running_var});
  const bool batch_statistics = mode.training || always_train;
  Tensor mean;
  Tensor variance;
  if (batch_statistics) {
    mean = Tensor({1, 1, 1, s.c}, device);
    variance = Tensor({1, 1, 1, s.c}, device);
    TINCT_ON_STORED(device, x.data().dtype(), batch_norm_statistics, s.pixels(), s.c,
                    x.data().as<Stored>(), mean.f32(), variance.f32());
  } else {
    mean = running_mean.data();
    variance = running_var.data();
  }
  if (mode.training) {
    const double rows = static_cast<double>(s.pixels());
    const double correction = unbiased_running_var && rows > 1 ? rows / (rows - 1) : 1;
    Value running[] = {running_mean, running_var};  // handles: the statistics are the module's
    move_towards(running[0].mutable_data(), mean, momentum, 1);
    move_towards(running[1].mutable_data(), variance, momentum, correction);
  }

  const auto channels = [eps = eps](const Tensor& m, const Tensor& v, const Tensor& g,
                                    const Tensor& b) {
    return BatchNormChannels{m.f32(), v.f32(), g.f32(), b.f32(), eps};
  };
  Tensor y(s, x.data().dtype(), device);
  TINCT_ON_STORED(device, y.dtype(), batch_norm, s.pixels(), s.c,
                  channels(mean, variance, gamma.data(), beta.data()), x.data().as<Stored>(),
                  activation, y.as<Stored>());
  return Value(y, {x, gamma, beta}, [=](std::vector<Value>& inputs, const Tensor& dy) {
    Tensor dx = inputs[0].requires_grad() ? Tensor(s, dy.dtype(), device) : Tensor();
    Tensor dgamma({1, 1, 1, s.c}, device);
    Tensor dbeta({1, 1, 1, s.c}, device);
    backward(device, s, channels(mean, variance, inputs[1].data(), inputs[2].data()),
             inputs[0].data(), dy, activation, batch_statistics, dx, dgamma, dbeta);
    if (dx.defined()) inputs[0].add_grad(dx);
    inputs[1].add_grad(dgamma);
    inputs[2].add_grad(dbeta);
  });
}

void BatchNorm::collect(Parameters& parameters, const std::string& prefix) const {
  parameters.push_back({prefix + ".gamma", gamma, false});
  parameters.push_back({prefix + ".beta", beta, false});
  parameters.push_back({prefix + ".running_mean", running_mean, true});
  parameters.push_back({prefix + ".running_var", running_var, true});
}

BatchNorm make_batch_norm(std::size_t channels) {
  const Shape s{1, 1, 1, channels};
  BatchNorm norm;
  norm.gamma = Value(Tensor::full(s, 1), true);
  norm.beta = Value(Tensor::zeros(s), true);
  norm.running_mean = Value(Tensor::zeros(s));
  norm.running_var = Value(Tensor::full(s, 1));
  return norm;
}

}  // namespace tinct
