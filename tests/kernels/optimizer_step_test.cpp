// Optimizer kernels against the plain reference, and the same bits for any thread count.
#include "kernels/optimizer_step.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/threads.h"
#include "tests/check.h"
#include "tests/same_bits.h"

namespace tinct {
namespace {

using test::difference;
using test::random_tensor;
using test::same_bits;

struct State {
  Tensor w, g, m, v;
  explicit State(std::size_t count)
      : w(random_tensor({1, 1, 1, count}, 1)),
        g(random_tensor({1, 1, 1, count}, 2)),
        m(random_tensor({1, 1, 1, count}, 3)),
        v(random_tensor({1, 1, 1, count}, 4)) {
    for (std::size_t i = 0; i < count; ++i) v.f32()[i] = std::abs(v.f32()[i]);
  }
  // Two parts, the second with its own learning rate and decay.
  std::vector<StepPart> parts() {
    const std::size_t half = w.size() / 2;
    return {{w.f32(), g.f32(), half, 0, 0.1f, 0.01f},
            {w.f32() + half, g.f32() + half, w.size() - half, half, 0.05f, 0}};
  }
};

void check_same(State& a, State& b, double tolerance) {
  CHECK(difference(a.w, b.w, tolerance, tolerance) == "");
  CHECK(difference(a.m, b.m, tolerance, tolerance) == "");
  CHECK(difference(a.v, b.v, tolerance, tolerance) == "");
}

}  // namespace

TEST_CASE("optimizer steps agree with the reference") {
  for (const std::size_t count : {1, 2, 7, 31, 32, 33, 127, 40001}) {
    for (const bool decoupled : {false, true}) {
      for (const bool other : {false, true}) {
        INFO(count << " decoupled " << decoupled << " other " << other);
        SgdStep sgd{0.9f, other, decoupled, 0.5f};
        State a(count), b(count);
        cpu::sgd_step(a.parts(), sgd, a.m.f32());
        ref::sgd_step(b.parts(), sgd, b.m.f32());
        cpu::sgd_step(a.parts(), sgd, nullptr);
        ref::sgd_step(b.parts(), sgd, nullptr);
        check_same(a, b, 1e-6);

        AdamStep adam;
        adam.epsilon = 1e-3;
        adam.step = 3;
        adam.decoupled = decoupled;
        adam.grad_scale = 0.5f;
        adam.placement = other ? AdamEpsilon::raw : AdamEpsilon::corrected;
        State c(count), d(count);
        cpu::adam_step(c.parts(), adam, c.m.f32(), c.v.f32());
        ref::adam_step(d.parts(), adam, d.m.f32(), d.v.f32());
        check_same(c, d, 1e-5);

        CHECK(cpu::squared_norm(c.parts()) == Approx(ref::squared_norm(c.parts())).epsilon(1e-12));
        const AveragePart average{c.m.f32(), c.w.f32(), count};
        const AveragePart expected{d.m.f32(), d.w.f32(), count};
        cpu::average_step({&average, 1}, 0.9f);
        ref::average_step({&expected, 1}, 0.9f);
        CHECK(difference(c.m, d.m, 1e-5, 1e-6) == "");
      }
    }
  }
}

TEST_CASE("optimizer steps are the same bits for any thread count") {
  const int before = threads();
  const std::size_t count = 100003;
  State one(count);
  std::vector<double> norms;
  for (const int n : {1, 2, 3, 7}) {
    set_threads(n);
    State state(count);
    cpu::adam_step(state.parts(), AdamStep{}, state.m.f32(), state.v.f32());
    cpu::sgd_step(state.parts(), SgdStep{0.9f, true, false, 1}, state.m.f32());
    norms.push_back(cpu::squared_norm(state.parts()));
    if (n == 1) one = state;
    CHECK(same_bits(one.w, state.w));
    CHECK(same_bits(one.m, state.m));
    CHECK(norms.front() == norms.back());
  }
  set_threads(before);
}

}  // namespace tinct
