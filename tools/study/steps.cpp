// Steps of optimizers for study: every parameter of a model in one launch.
#include <array>

#include "kernels/optimizer_step.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

std::array<StepPart, 1> part(float* w, const float* g, std::size_t count) {
  return {StepPart{w, g, count, 0, 0.01f, 0.001f}};
}
std::array<AveragePart, 1> average(float* average, const float* x, std::size_t count) {
  return {AveragePart{average, x, count}};
}

Run sgd(const Problem& p) {
  const std::size_t count = p[0];
  const SgdStep s{0.9f};
  Run run{{updated("w", count), in("g", count), updated("velocity", count)},
          6.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::sgd_step, sgd_step, part(AT(0), AT(1), count), s, AT(2));
  return run;
}

Run adam(const Problem& p) {
  const std::size_t count = p[0];
  AdamStep s;
  s.step = 10;
  Run run{{updated("w", count), in("g", count), updated("m", count, -0.1, 0.1),
           updated("v", count, 0, 0.1)},
          16.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::adam_step, adam_step, part(AT(0), AT(1), count), s, AT(2),
                    AT(3));
  return run;
}

Run averaged(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{updated("average", count), in("x", count)}, 3.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::average_step, average_step, average(AT(0), AT(1), count),
                    0.999f);
  return run;
}

Run norm(const Problem& p) {
  const std::size_t count = p[0];
  Run run{{updated("w", 1), in("g", count)}, 2.0 * static_cast<double>(count)};
  TINCT_STUDY_CALLS(run, float, ref::squared_norm, squared_norm, part(AT(0), AT(1), count));
  return run;
}

Kernel step(const char* name, const char* summary, const char* idea,
            std::function<Run(const Problem&)> prepare) {
  return {name,
          summary,
          {{"count", 65536}},
          {},
          {only(name, "optimizer_step.cu", idea)},
          std::move(prepare)};
}

}  // namespace

void add_steps(std::vector<Kernel>& list) {
  const char* const idea = "vectors of four over a table of parts, one launch";
  list.push_back(step("sgd_step", "a step of SGD with momentum and decay", idea, sgd));
  list.push_back(step("adam_step", "a step of Adam with decay", idea, adam));
  list.push_back(step("average_step", "a running average of the weights", idea, averaged));
  list.push_back(step("squared_norm", "the sum of the squares of every gradient",
                      "double sums, a fixed tree over blocks", norm));
}

}  // namespace tinct::gpu
