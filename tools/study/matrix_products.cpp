// Matrix products for study: fully connected layers, and the product under them.
#include "kernels/fully_connected.h"
#include "kernels/gemm.h"
#include "tools/study/describe.h"

namespace tinct::gpu {
namespace {

constexpr const char* kIdea =
    "64 x 64 tiles in shared memory, 4 x 4 sums a thread (cuBLAS on a card)";

FullyConnectedShape shape_of(const Problem& p) {
  return {p[0], p[1], p[2]};
}

Run start(const FullyConnectedShape& s) {
  return {{}, 2.0 * static_cast<double>(s.rows * s.in * s.out)};
}

Run layer(const Problem& p) {
  const FullyConnectedShape s = shape_of(p);
  Run run = start(s);
  run.arrays = {in("x", s.rows * s.in), in("w", s.out * s.in), in("bias", s.out),
                out("y", s.rows * s.out)};
  TINCT_STUDY_CALLS(run, float, cpu::fully_connected, fully_connected, s, AT(0), AT(1), AT(2),
                    Activation::none, AT(3));
  return run;
}

Run backward_data(const Problem& p) {
  const FullyConnectedShape s = shape_of(p);
  Run run = start(s);
  run.arrays = {in("dy", s.rows * s.out), in("w", s.out * s.in), out("dx", s.rows * s.in)};
  TINCT_STUDY_CALLS(run, float, cpu::fully_connected_backward_data, fully_connected_backward_data,
                    s, AT(0), AT(1), AT(2));
  return run;
}

Run backward_weights(const Problem& p) {
  const FullyConnectedShape s = shape_of(p);
  Run run = start(s);
  run.arrays = {in("x", s.rows * s.in), in("dy", s.rows * s.out), out("dw", s.out * s.in),
                out("db", s.out)};
  TINCT_STUDY_CALLS(run, float, cpu::fully_connected_backward_weights,
                    fully_connected_backward_weights, s, AT(0), AT(1), AT(2), AT(3));
  return run;
}

// c = a b in double.
void product(const GemmShape& s, const float* a, const float* b, float* c) {
  for (std::size_t i = 0; i < s.m; ++i) {
    for (std::size_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (std::size_t l = 0; l < s.k; ++l) sum += double{a[i * s.k + l]} * double{b[l * s.n + j]};
      c[i * s.n + j] = static_cast<float>(sum);
    }
  }
}

Run matrices(const Problem& p) {
  const GemmShape s{p[0], p[1], p[2]};
  Run run{{in("a", s.m * s.k), in("b", s.k * s.n), out("c", s.m * s.n)},
          2.0 * static_cast<double>(s.m * s.n * s.k)};
  TINCT_STUDY_CALLS(run, float, product, gemm_tiled, s, AT(0), AT(1), AT(2));
  return run;
}

}  // namespace

void add_matrix_products(std::vector<Kernel>& list) {
  const std::vector<study::Extent> layer_shape = {{"rows", 32}, {"in", 256}, {"out", 128}};
  list.push_back({"fully_connected",
                  "activation(x w' + bias)",
                  layer_shape,
                  {},
                  {only("fully_connected", "fully_connected.cu", kIdea)},
                  layer});
  list.push_back({"fully_connected_backward_data",
                  "the gradient of a fully connected layer's input",
                  layer_shape,
                  {},
                  {only("fully_connected_backward_data", "fully_connected.cu", kIdea)},
                  backward_data});
  list.push_back({"fully_connected_backward_weights",
                  "the gradients of a fully connected layer's weights and bias",
                  layer_shape,
                  {},
                  {only("fully_connected_backward_weights", "fully_connected.cu", kIdea)},
                  backward_weights});
  list.push_back(
      {"gemm",
       "c (m,n) = a (m,k) b (k,n)",
       {{"m", 128}, {"n", 128}, {"k", 128}},
       {},
       {only("gemm_tiled", "gemm.cu", "64 x 64 tiles in shared memory, 4 x 4 sums a thread")},
       matrices});
}

}  // namespace tinct::gpu
