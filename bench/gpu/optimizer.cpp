// One optimizer step over the parameters of a network.
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/optimizer_step.h"

namespace tinct::bench {
namespace {

struct Data {
  explicit Data(std::size_t count)
      : w(count, 1), g(count, 2), m(count, 3), v(count), second(count) {
    reset();
  }
  // The step writes over what it reads: a check starts anew. Second moments are not negative.
  void reset() {
    for (std::size_t i = 0; i < second.size(); ++i) second[i] = 0.25f + 0.25f * w.at(i);
    device::copy_to_device(v.data(), second.data(), second.size() * sizeof(float));
    w = Input<float>(w.size(), 1);
    m = Input<float>(m.size(), 3);
  }
  std::vector<StepPart> parts() { return {{w.data(), g.data(), w.size(), 0, 1e-2f, 0}}; }
  std::vector<float> weights() const {
    std::vector<float> host(w.size());
    device::copy_to_host(host.data(), w.data(), host.size() * sizeof(float));
    return host;
  }
  Input<float> w, g, m;
  device::Array<float> v;
  std::vector<float> second;
};

// The weights after a step of `run`, which takes the parts and the two states.
template <class Run, class Plain>
void run_case(GpuBench& bench, const char* group, double numbers, Run&& run, Plain&& plain) {
  const Shape s{1, 1, 1, bench.extent(20'000'000, 5000)};
  bench.run(memory_case<float>(group, s, numbers * static_cast<double>(s.size())), [&] {
    const auto d = std::make_shared<Data>(s.size());
    std::vector<float> w = d->w.host(), m = d->m.host(), v = d->second;
    const std::vector<float> g = d->g.host();
    const std::vector<StepPart> parts = {{w.data(), g.data(), w.size(), 0, 1e-2f, 0}};
    plain(parts, m.data(), v.data());
    return GpuWork{{{"tinct", [d, run] { run(d->parts(), d->m.data(), d->v.data()); }, 0}},
                   [d] { d->reset(); },
                   [d, w] { return largest_error(d->weights(), w); }};
  });
}

}  // namespace

void run_optimizers(GpuBench& bench) {
  AdamStep adam;
  adam.step = 10;
  run_case(
      bench, "adam_step", 7,
      [adam](const std::vector<StepPart>& parts, float* m, float* v) {
        gpu::adam_step(parts, adam, m, v);
      },
      [adam](const std::vector<StepPart>& parts, float* m, float* v) {
        ref::adam_step(parts, adam, m, v);
      });
  SgdStep sgd;
  sgd.momentum = 0.9f;
  run_case(
      bench, "sgd_step", 5,
      [sgd](const std::vector<StepPart>& parts, float* m, float*) { gpu::sgd_step(parts, sgd, m); },
      [sgd](const std::vector<StepPart>& parts, float* m, float*) {
        ref::sgd_step(parts, sgd, m);
      });
}

}  // namespace tinct::bench
