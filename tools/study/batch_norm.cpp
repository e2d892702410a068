// Batch normalisation for study.
#include "kernels/batch_norm.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

using Statistics = void (*)(std::size_t, std::size_t, const float*, float*, float*);

// What normalises, from four arrays.
BatchNormChannels channels(const float* mean, const float* variance, const float* gamma,
                           const float* beta) {
  return {mean, variance, gamma, beta};
}

template <class T>
Run statistics(const Problem& p) {
  const std::size_t rows = p[0], c = p[1];
  Run run{{in<T>("x", rows * c), out("mean", c), out("variance", c)},
          4.0 * static_cast<double>(rows * c),
          1e-5};
  if constexpr (sizeof(T) == 2) {
    TINCT_STUDY_CALLS(run, T, ref::batch_norm_statistics, batch_norm_statistics, rows, c, AT(0),
                      F32(1), F32(2));
  } else {
    constexpr Statistics kRungs[] = {batch_norm_statistics_naive, batch_norm_statistics_two_pass,
                                     batch_norm_statistics};
    const Statistics rung = kRungs[p.rung.number - 1];
    TINCT_STUDY_CALLS(run, T, ref::batch_norm_statistics, rung, rows, c, AT(0), F32(1), F32(2));
  }
  return run;
}

std::vector<ArraySpec> channel_arrays(std::size_t c) {
  return {in("mean", c, -0.5, 0.5), in("variance", c, 0.5, 1.5), in("gamma", c, 0.5, 1.5),
          in("beta", c)};
}

template <class T>
Run forward(const Problem& p) {
  const std::size_t rows = p[0], c = p[1];
  Run run{channel_arrays(c), 2.0 * static_cast<double>(rows * c), tolerance<T>()};
  run.arrays.push_back(in<T>("x", rows * c));
  run.arrays.push_back(out<T>("y", rows * c));
  TINCT_STUDY_CALLS(run, T, ref::batch_norm, batch_norm, rows, c,
                    channels(F32(0), F32(1), F32(2), F32(3)), AT(4), Activation::relu, AT(5));
  return run;
}

// The functions for f32 take the gradients in a struct, those for bf16 one by one.
void call(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
          const float* dy, float* dx, float* dgamma, float* dbeta) {
  batch_norm_backward(rows, c, p, x, dy, Activation::none, true, {dx, dgamma, dbeta});
}
void call(std::size_t rows, std::size_t c, const BatchNormChannels& p, const bf16* x,
          const bf16* dy, bf16* dx, float* dgamma, float* dbeta) {
  batch_norm_backward(rows, c, p, x, dy, Activation::none, true, dx, dgamma, dbeta);
}
void reference(std::size_t rows, std::size_t c, const BatchNormChannels& p, const float* x,
               const float* dy, float* dx, float* dgamma, float* dbeta) {
  ref::batch_norm_backward(rows, c, p, x, dy, Activation::none, true, {dx, dgamma, dbeta});
}

template <class T>
Run backward(const Problem& p) {
  const std::size_t rows = p[0], c = p[1];
  Run run{channel_arrays(c), 10.0 * static_cast<double>(rows * c), tolerance<T>()};
  for (const ArraySpec& spec : {in<T>("x", rows * c), in<T>("dy", rows * c), out<T>("dx", rows * c),
                                out("dgamma", c), out("dbeta", c)}) {
    run.arrays.push_back(spec);
  }
  TINCT_STUDY_CALLS(run, T, reference, call, rows, c, channels(F32(0), F32(1), F32(2), F32(3)),
                    AT(4), AT(5), AT(6), F32(7), F32(8));
  return run;
}

}  // namespace

void add_batch_norm(std::vector<Kernel>& list) {
  const std::vector<study::Extent> shape = {{"rows", 1024}, {"c", 64}};
  list.push_back({"batch_norm_statistics",
                  "the mean and the variance of each channel",
                  shape,
                  {},
                  {{1, "naive", "batch_norm_statistics_naive", "kernels/batch_norm_rungs.cu",
                    "a block a channel: eight times the sectors it needs, twice"},
                   {2, "two_pass", "batch_norm_statistics_two_pass", "kernels/batch_norm_rungs.cu",
                    "whole sectors, but x is read twice"},
                   {3, "slabs", "batch_norm_statistics", "kernels/batch_norm.cu",
                    "x read once: moments of slabs, combined in double", both_types}},
                  TINCT_STUDY_BY_TYPE(statistics)});
  list.push_back({"batch_norm",
                  "relu(gamma (x - mean) / sqrt(variance + eps) + beta)",
                  shape,
                  {},
                  {only("batch_norm", "batch_norm.cu", "four channels a lane", both_types)},
                  TINCT_STUDY_BY_TYPE(forward)});
  list.push_back(
      {"batch_norm_backward",
       "the gradients of x, gamma and beta in training",
       shape,
       {},
       {only("batch_norm_backward", "batch_norm.cu", "sums over slabs, then dx", both_types)},
       TINCT_STUDY_BY_TYPE(backward)});
}

}  // namespace tinct::gpu
