// Optimizer steps: the kernels of tinct::gpu against the papers' formulas.
#include "kernels/optimizer_step.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/check.h"
#include "tests/gpu/on_device.h"
#include "tests/gpu/sectors.h"

namespace tinct {
namespace {

// Parameters of all sorts of sizes, an empty one among them, on both sides. Their states lie side
// by side, so that most are not aligned for vectors.
class Model {
 public:
  explicit Model(const std::vector<std::size_t>& sizes) {
    for (const std::size_t size : sizes) {
      const std::uint64_t seed = 10 * w_.size();
      w_.push_back(test::random_tensor({1, 1, 1, size}, seed + 1));
      g_.push_back(test::random_tensor({1, 1, 1, size}, seed + 2));
      device_w_.emplace_back(w_.back());
      device_g_.emplace_back(g_.back());
      total += size;
    }
  }

  std::vector<StepPart> parts(bool on_device) {
    std::vector<StepPart> parts;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < w_.size(); ++i) {
      parts.push_back({on_device ? device_w_[i].data() : w_[i].f32(),
                       on_device ? device_g_[i].data() : g_[i].f32(), w_[i].size(), offset,
                       0.01f * static_cast<float>(i + 1), i % 2 ? 0.1f : 0.0f});
      offset += w_[i].size();
    }
    return parts;
  }

  void check(double tolerance) const {
    for (std::size_t i = 0; i < w_.size(); ++i) {
      CHECK(test::difference(device_w_[i].tensor(), w_[i], tolerance, tolerance) == "");
    }
  }

  std::size_t total = 0;

 private:
  std::vector<Tensor> w_, g_;
  std::vector<test::OnDevice> device_w_, device_g_;
};

const std::vector<std::size_t> kSizes = {1, 2, 7, 0, 31, 32, 33, 4096, 4097, 5001};

// A few steps of `step(parts, first, second, t)` on both sides.
template <class Ref, class Gpu>
void check_steps(const Ref& on_host, const Gpu& on_device, double tolerance = 2e-6) {
  Model model(kSizes);
  const Shape flat{1, 1, 1, model.total};
  Tensor first = Tensor::zeros(flat), second = Tensor::zeros(flat);
  test::OnDevice device_first(first), device_second(second);
  for (long t = 1; t <= 3; ++t) {
    on_host(model.parts(false), first.f32(), second.f32(), t);
    on_device(model.parts(true), device_first.data(), device_second.data(), t);
  }
  model.check(tolerance);
  CHECK(test::difference(device_first.tensor(), first, 1e-5, 1e-6) == "");
  CHECK(test::difference(device_second.tensor(), second, 1e-5, 1e-6) == "");
}

using Parts = std::vector<StepPart>;

TEST_CASE("SGD on the device", "[gpu][optimizer]") {
  for (const bool decoupled : {false, true}) {
    const SgdStep plain{0, false, decoupled, 0.5f};
    check_steps([&](const Parts& p, float*, float*, long) { ref::sgd_step(p, plain, nullptr); },
                [&](const Parts& p, float*, float*, long) { gpu::sgd_step(p, plain, nullptr); });
    for (const bool nesterov : {false, true}) {
      const SgdStep s{0.9f, nesterov, decoupled, 0.5f};
      check_steps([&](const Parts& p, float* v, float*, long) { ref::sgd_step(p, s, v); },
                  [&](const Parts& p, float* v, float*, long) { gpu::sgd_step(p, s, v); });
    }
  }
}

TEST_CASE("Adam on the device", "[gpu][optimizer]") {
  for (const bool decoupled : {false, true}) {
    for (const AdamEpsilon placement : {AdamEpsilon::corrected, AdamEpsilon::raw}) {
      AdamStep s;
      s.decoupled = decoupled;
      s.placement = placement;
      s.grad_scale = 2;
      const auto at = [&s](long t) {
        s.step = t;
        return s;
      };
      check_steps(
          [&](const Parts& p, float* m, float* v, long t) { ref::adam_step(p, at(t), m, v); },
          [&](const Parts& p, float* m, float* v, long t) { gpu::adam_step(p, at(t), m, v); });
    }
  }
}

TEST_CASE("running averages and the gradient's norm on the device", "[gpu][optimizer]") {
  Model model(kSizes);
  const auto averages = [&](bool on_device) {
    std::vector<AveragePart> parts;
    for (const StepPart& p : model.parts(on_device)) parts.push_back({p.w, p.g, p.count});
    return parts;
  };
  CHECK(gpu::squared_norm(model.parts(true)) ==
        Approx(ref::squared_norm(model.parts(false))).epsilon(1e-12));
  CHECK(gpu::squared_norm({}) == 0);
  ref::average_step(averages(false), 0.99f);
  gpu::average_step(averages(true), 0.99f);
  model.check(1e-6);
}

TEST_CASE("a step reads and writes whole sectors", "[gpu][optimizer]") {
  Model model({4096, 8192});
  const Tensor zero = Tensor::zeros({1, 1, 1, model.total});
  test::OnDevice m(zero), v(zero);
  test::check_sectors([&] { gpu::adam_step(model.parts(true), {}, m.data(), v.data()); });
  test::check_sectors([&] { gpu::squared_norm(model.parts(true)); });
}

}  // namespace
}  // namespace tinct
