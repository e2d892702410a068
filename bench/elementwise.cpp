// Activations, add, scale and concat against a copy of as many bytes.
#include "bench/memory_bound.h"
#include "kernels/activation.h"
#include "kernels/add.h"
#include "kernels/concat.h"
#include "kernels/scale.h"

namespace tinct::bench {
namespace {

struct Named {
  Activation kind;
  const char* name;
};
constexpr Named kActivations[] = {{Activation::relu, "relu"},
                                  {Activation::leaky_relu, "leaky_relu"},
                                  {Activation::sigmoid, "sigmoid"},
                                  {Activation::tanh, "tanh"}};

void run_activations(Bench& bench, const Shape& shape) {
  const Tensor x = random_tensor(shape, 1);
  const Tensor dy = random_tensor(shape, 2);
  Tensor y(shape), dx(shape);
  const auto count = static_cast<double>(shape.size());
  for (const auto& [kind, name] : kActivations) {
    run_against_copy(
        bench, std::string(name) + "/forward", shape, 2 * count,
        [&, k = kind] { cpu::activation(k, x.size(), x.f32(), y.f32()); },
        agrees(y, 1e-6, [&, k = kind](Tensor& plain) {
          ref::activation(k, x.size(), x.f32(), plain.f32());
        }));
    run_against_copy(
        bench, std::string(name) + "/backward", shape, 3 * count,
        [&, k = kind] { cpu::activation_backward(k, x.size(), x.f32(), dy.f32(), dx.f32()); },
        agrees(dx, 1e-6, [&, k = kind](Tensor& plain) {
          ref::activation_backward(k, x.size(), x.f32(), dy.f32(), plain.f32());
        }));
  }
}

void run_add_and_scale(Bench& bench, const Shape& shape) {
  const Tensor a = random_tensor(shape, 1);
  const Tensor b = random_tensor(shape, 2);
  Tensor y(shape);
  const auto count = static_cast<double>(shape.size());
  run_against_copy(
      bench, "add/forward", shape, 3 * count,
      [&] { cpu::add(a.size(), a.f32(), b.f32(), Activation::relu, y.f32()); },
      agrees(y, 1e-6, [&](Tensor& plain) {
        ref::add(a.size(), a.f32(), b.f32(), Activation::relu, plain.f32());
      }));
  run_against_copy(
      bench, "scale/forward", shape, 2 * count, [&] { cpu::scale(a.size(), 3, a.f32(), y.f32()); },
      agrees(y, 0, [&](Tensor& plain) { ref::scale(a.size(), 3, a.f32(), plain.f32()); }));
}

// Two halves, as a U-Net's skip connections.
void run_concat(Bench& bench, const Shape& shape) {
  const std::size_t first = shape.c / 2;
  const std::size_t second = shape.c - first;
  const Tensor a = random_tensor({shape.n, shape.h, shape.w, first}, 1);
  const Tensor b = random_tensor({shape.n, shape.h, shape.w, second}, 2);
  Tensor y(shape), da(a.shape()), db(b.shape());
  const auto count = static_cast<double>(shape.size());
  const std::vector<ConcatInput> inputs = {{a.f32(), first}, {b.f32(), second}};
  run_against_copy(
      bench, "concat/forward", shape, 2 * count,
      [&] { cpu::concat(shape.pixels(), inputs, y.f32()); },
      agrees(y, 0, [&](Tensor& plain) { ref::concat(shape.pixels(), inputs, plain.f32()); }));
  run_against_copy(
      bench, "concat/backward", shape, 2 * count,
      [&] {
        cpu::concat_backward(shape.pixels(), y.f32(), {{da.f32(), first}, {db.f32(), second}});
      },
      [&] { return compare(da.f32(), a.f32(), a.size(), 0); });
}

void run(Bench& bench) {
  for (const Shape& shape : kActivationShapes) {
    run_activations(bench, shape);
    run_add_and_scale(bench, shape);
    run_concat(bench, shape);
  }
}

const Register elementwise{"elementwise", run};

}  // namespace
}  // namespace tinct::bench
