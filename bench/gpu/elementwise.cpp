// Activations, add, scale, concat and dropout, as fast as memory at best.
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/activation.h"
#include "kernels/add.h"
#include "kernels/concat.h"
#include "kernels/dropout.h"
#include "kernels/scale.h"

namespace tinct::bench {
namespace {

template <class T>
struct Data {
  explicit Data(const Shape& s) : a(s.size(), 1), b(s.size(), 2), out(s.size()) {}
  Input<T> a, b;
  Output<T> out;
};

// One side "tinct" that fills out, and the reference that fills an array as large.
template <class T, class Run, class Plain>
void run_case(GpuBench& bench, const std::string& group, const Shape& s, double numbers, Run&& run,
              Plain&& plain) {
  bench.run(memory_case<T>(group, s, numbers * static_cast<double>(s.size())), [&] {
    const auto d = std::make_shared<Data<T>>(s);
    std::vector<float> expected(s.size());
    plain(d->a.host(), d->b.host(), expected.data());
    return GpuWork{{{"tinct", [d, run] { run(*d); }, 0}},
                   [d] { d->out.poison(); },
                   [d, expected] { return largest_error(d->out.host(), expected); }};
  });
}

using Host = std::vector<float>;

template <class T>
void run_activations(GpuBench& bench, const Shape& s) {
  struct Named {
    Activation kind;
    const char* name;
  };
  const std::size_t count = s.size();
  for (const auto& [kind, name] :
       {Named{Activation::relu, "relu"}, Named{Activation::leaky_relu, "leaky_relu"},
        Named{Activation::sigmoid, "sigmoid"}, Named{Activation::tanh, "tanh"}}) {
    run_case<T>(
        bench, std::string(name) + "/forward", s, 2,
        [count, k = kind](Data<T>& d) { gpu::activation(k, count, d.a.data(), d.out.data()); },
        [&, k = kind](const Host& a, const Host&, float* y) {
          ref::activation(k, count, a.data(), y);
        });
    run_case<T>(
        bench, std::string(name) + "/backward", s, 3,
        [count, k = kind](Data<T>& d) {
          gpu::activation_backward(k, count, d.a.data(), d.b.data(), d.out.data());
        },
        [&, k = kind](const Host& y, const Host& dy, float* dx) {
          ref::activation_backward(k, count, y.data(), dy.data(), dx);
        });
  }
}

template <class T>
void run_add_and_scale(GpuBench& bench, const Shape& s) {
  const std::size_t count = s.size();
  run_case<T>(
      bench, "add_relu/forward", s, 3,
      [count](Data<T>& d) {
        gpu::add(count, d.a.data(), d.b.data(), Activation::relu, d.out.data());
      },
      [&](const Host& a, const Host& b, float* y) {
        ref::add(count, a.data(), b.data(), Activation::relu, y);
      });
  run_case<T>(
      bench, "scale/forward", s, 2,
      [count](Data<T>& d) { gpu::scale(count, 3, d.a.data(), d.out.data()); },
      [&](const Host& a, const Host&, float* y) { ref::scale(count, 3, a.data(), y); });
  const Random random(1, Purpose::bench);
  run_case<T>(
      bench, "dropout/forward", s, 2,
      [count, random](Data<T>& d) { gpu::dropout(random, 0.2f, count, d.a.data(), d.out.data()); },
      [&](const Host& a, const Host&, float* y) {
        ref::dropout(random, 0.2f, count, a.data(), y);
      });
}

template <class T>
std::vector<ConcatInputOf<T>> halves(const T* a, const T* b, std::size_t c) {
  return {{a, c / 2}, {b, c - c / 2}};
}
template <class T>
std::vector<ConcatGradientOf<T>> gradient_halves(T* a, T* b, std::size_t c) {
  return {{a, c / 2}, {b, c - c / 2}};
}

// Two halves, as a U-Net's skip connections.
template <class T>
void run_concat(GpuBench& bench, const Shape& s) {
  const std::size_t rows = s.pixels(), c = s.c;
  run_case<T>(
      bench, "concat/forward", s, 2,
      [rows, c](Data<T>& d) { gpu::concat(rows, halves(d.a.data(), d.b.data(), c), d.out.data()); },
      [&](const Host& a, const Host& b, float* y) {
        ref::concat(rows, halves(a.data(), b.data(), c), y);
      });
  run_case<T>(
      bench, "concat/backward", s, 2,
      [rows, c](Data<T>& d) {
        T* const out = d.out.data();
        gpu::concat_backward(rows, d.a.data(), gradient_halves(out, out + rows * (c / 2), c));
      },
      [&](const Host& dy, const Host&, float* dx) {
        ref::concat_backward(rows, dy.data(), gradient_halves(dx, dx + rows * (c / 2), c));
      });
}

template <class T>
void run_type(GpuBench& bench) {
  const Shape s = activations(bench);
  run_activations<T>(bench, s);
  run_add_and_scale<T>(bench, s);
  run_concat<T>(bench, s);
}

}  // namespace

void run_elementwise(GpuBench& bench) {
  run_type<float>(bench);
  run_type<bf16>(bench);
}

}  // namespace tinct::bench
