// Matrix products of fully connected layers: our tiled kernel beside cuBLAS.
#include "kernels/gemm.h"

#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#ifdef TINCT_WITH_CUBLAS
#include "kernels/vendor/cublas.h"
#endif

namespace tinct::bench {
namespace {

struct Data {
  explicit Data(const GemmShape& shape)
      : s(shape), a(s.m * s.k, 1), b(s.k * s.n, 2), c(s.m * s.n) {}

  // c[i][j] in float64, of a few elements.
  double error() const {
    std::vector<double> got, expected;
    for (std::size_t e = 0; e < 64; ++e) {
      const std::size_t i = e * 7919 % s.m, j = e * 104729 % s.n;
      double sum = 0;
      for (std::size_t k = 0; k < s.k; ++k) {
        const double left = a.at(s.transpose_a ? k * s.m + i : i * s.k + k);
        sum += left * b.at(s.transpose_b ? j * s.k + k : k * s.n + j);
      }
      got.push_back(c.at(i * s.n + j));
      expected.push_back(sum);
    }
    return largest_error(got, expected);
  }

  GemmShape s;
  Input<float> a, b;
  Output<float> c;
};

GpuWork prepare(const GemmShape& s) {
  const auto d = std::make_shared<Data>(s);
  GpuWork work;
  work.sides.push_back(
      {"tiled", [d] { gpu::gemm_tiled(d->s, d->a.data(), d->b.data(), d->c.data()); }});
  work.taken = "tiled";
#ifdef TINCT_WITH_CUBLAS
  if (vendor::cublas_problem().empty()) {
    work.taken = "cublas";
    work.sides.push_back(
        {"cublas", [d] { vendor::cublas_gemm(d->s, d->a.data(), d->b.data(), d->c.data()); }});
    work.sides.push_back(
        {"cublas_tf32",
         [d] { vendor::cublas_gemm(d->s, d->a.data(), d->b.data(), d->c.data(), true); }, 5e-3});
  }
#endif
  work.poison = [d] { d->c.poison(); };
  work.error = [d] { return d->error(); };
  return work;
}

}  // namespace

void run_matrix_products(GpuBench& bench) {
  const std::size_t large = bench.extent(4096, 70), wide = bench.extent(4096, 66);
  const std::size_t deep = bench.extent(25088, 130), rows = bench.extent(16, 3);
  // Square; a large fully connected layer on a small batch, and the gradient of its weights.
  for (const GemmShape& s :
       {GemmShape{large, large, large}, GemmShape{rows, wide, deep, false, true},
        GemmShape{wide, deep, rows, true, false}}) {
    GpuCase work;
    work.group = "gemm";
    work.name = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                (s.transpose_a ? " a^T" : "") + (s.transpose_b ? " b^T" : "");
    work.precision = "f32";
    work.flops =
        2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
    work.bytes = 4.0 * static_cast<double>(s.m * s.k + s.k * s.n + s.m * s.n);
    work.sizes = {{"m", s.m},
                  {"n", s.n},
                  {"k", s.k},
                  {"transpose_a", s.transpose_a},
                  {"transpose_b", s.transpose_b}};
    work.tolerance = 5e-5;
    bench.run(work, [&] { return prepare(s); });
  }
}

}  // namespace tinct::bench
