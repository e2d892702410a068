// Batch normalisation against a copy of as many bytes.
#include "kernels/batch_norm.h"
#include "bench/memory_bound.h"

namespace tinct::bench {
namespace {

void run_shape(Bench& bench, const Shape& shape, Activation activation, const char* suffix) {
  const std::size_t rows = shape.pixels();
  const std::size_t c = shape.c;
  const Tensor x = random_tensor(shape, 1);
  const Tensor dy = random_tensor(shape, 2);
  const Tensor gamma = random_tensor({1, 1, 1, c}, 3);
  const Tensor beta = random_tensor({1, 1, 1, c}, 4);
  Tensor y(shape), dx(shape);
  Tensor mean(gamma.shape()), variance(gamma.shape()), dgamma(gamma.shape()), dbeta(gamma.shape());
  cpu::batch_norm_statistics(rows, c, x.f32(), mean.f32(), variance.f32());
  const BatchNormChannels p{mean.f32(), variance.f32(), gamma.f32(), beta.f32(), 1e-5f};
  const auto count = static_cast<double>(shape.size());
  const auto named = [&](const char* name) { return std::string(name) + suffix; };

  run_against_copy(
      bench, named("batch_norm/evaluate"), shape, 2 * count,
      [&] { cpu::batch_norm(rows, c, p, x.f32(), activation, y.f32()); },
      agrees(y, 1e-6, [&](Tensor& plain) {
        ref::batch_norm(rows, c, p, x.f32(), activation, plain.f32());
      }));
  run_against_copy(bench, named("batch_norm/forward"), shape, 3 * count, [&] {
    cpu::batch_norm_statistics(rows, c, x.f32(), mean.f32(), variance.f32());
    cpu::batch_norm(rows, c, p, x.f32(), activation, y.f32());
  });
  run_against_copy(
      bench, named("batch_norm/backward"), shape, 5 * count,
      [&] {
        cpu::batch_norm_backward(rows, c, p, x.f32(), dy.f32(), activation, true,
                                 {dx.f32(), dgamma.f32(), dbeta.f32()});
      },
      // ReLU's mask may differ where its argument is within rounding of 0.
      agrees(dx, activation == Activation::none ? 1e-5 : 1e-2, [&](Tensor& plain) {
        Tensor g(gamma.shape()), b(gamma.shape());
        ref::batch_norm_backward(rows, c, p, x.f32(), dy.f32(), activation, true,
                                 {plain.f32(), g.f32(), b.f32()});
      }));
}

void run(Bench& bench) {
  for (const Shape& shape : kActivationShapes) {
    run_shape(bench, shape, Activation::none, "");
    run_shape(bench, shape, Activation::relu, "+relu");
  }
}

const Register batch_norm{"batch_norm", run};

}  // namespace
}  // namespace tinct::bench
