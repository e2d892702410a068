// Pooling against a copy of as many bytes.
#include "bench/memory_bound.h"
#include "kernels/average_pool.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"

namespace tinct::bench {
namespace {

struct Named {
  PoolWindow window;
  const char* suffix;
};
const Named kWindows[] = {
    {{}, " 2x2/2"},
    {{.kh = 3, .kw = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1}, " 3x3/2"},
};

void run_windows(Bench& bench, const Shape& shape, const Named& named) {
  const PoolShape s{shape, named.window};
  const Tensor x = random_tensor(s.x, 1);
  const Tensor dy = random_tensor(s.y(), 2);
  Tensor y(s.y()), dx(s.x);
  Tensor which(s.y(), DType::u8);
  ref::max_pool(s, x.f32(), y.f32(), which.u8());
  const auto in = static_cast<double>(s.x.size());
  const auto out = static_cast<double>(y.size());
  const auto group = [&](const char* name) { return std::string(name) + named.suffix; };

  run_against_copy(
      bench, group("max_pool/forward"), shape, in + 1.25 * out,
      [&] { cpu::max_pool(s, x.f32(), y.f32(), which.u8()); },
      agrees(y, 0, [&](Tensor& plain) { ref::max_pool(s, x.f32(), plain.f32(), nullptr); }));
  run_against_copy(
      bench, group("max_pool/backward"), shape, in + 1.25 * out,
      [&] { cpu::max_pool_backward(s, which.u8(), dy.f32(), dx.f32()); },
      agrees(dx, 1e-6,
             [&](Tensor& plain) { ref::max_pool_backward(s, which.u8(), dy.f32(), plain.f32()); }));
  run_against_copy(
      bench, group("average_pool/forward"), shape, in + out,
      [&] { cpu::average_pool(s, true, x.f32(), y.f32()); },
      agrees(y, 1e-6, [&](Tensor& plain) { ref::average_pool(s, true, x.f32(), plain.f32()); }));
  run_against_copy(
      bench, group("average_pool/backward"), shape, in + out,
      [&] { cpu::average_pool_backward(s, true, dy.f32(), dx.f32()); },
      agrees(dx, 1e-6,
             [&](Tensor& plain) { ref::average_pool_backward(s, true, dy.f32(), plain.f32()); }));
}

void run_global(Bench& bench, const Shape& shape) {
  const Tensor x = random_tensor(shape, 1);
  const Tensor dy = random_tensor({shape.n, 1, 1, shape.c}, 2);
  Tensor y(dy.shape()), dx(shape);
  const auto count = static_cast<double>(shape.size());
  run_against_copy(
      bench, "global_average_pool/forward", shape, count,
      [&] { cpu::global_average_pool(shape, x.f32(), y.f32()); },
      agrees(y, 1e-6,
             [&](Tensor& plain) { ref::global_average_pool(shape, x.f32(), plain.f32()); }));
  run_against_copy(
      bench, "global_average_pool/backward", shape, count,
      [&] { cpu::global_average_pool_backward(shape, dy.f32(), dx.f32()); },
      agrees(dx, 1e-6, [&](Tensor& plain) {
        ref::global_average_pool_backward(shape, dy.f32(), plain.f32());
      }));
}

void run(Bench& bench) {
  for (const Shape& shape : kActivationShapes) {
    for (const Named& named : kWindows) run_windows(bench, shape, named);
    run_global(bench, shape);
  }
}

const Register pool{"pool", run};

}  // namespace
}  // namespace tinct::bench
