// The cases of the GPU benchmark, a function a family.
#pragma once

#include <string>

#include "bench/gpu/harness.h"
#include "bench/gpu/numbers.h"
#include "core/shape.h"

namespace tinct::bench {

void run_convolutions(GpuBench& bench);
void run_transposed_convolutions(GpuBench& bench);
void run_matrix_products(GpuBench& bench);
void run_elementwise(GpuBench& bench);
void run_batch_norm(GpuBench& bench);
void run_pooling(GpuBench& bench);
void run_upsampling(GpuBench& bench);
void run_losses(GpuBench& bench);
void run_colours(GpuBench& bench);
void run_optimizers(GpuBench& bench);

/// Activations that are larger than an L2 cache: 51 MB in f32.
inline Shape activations(const GpuBench& bench, std::size_t channels = 64) {
  return {bench.extent(16, 1), bench.extent(112, 6), bench.extent(112, 8), channels};
}

/// A case over a map, bound by memory: `numbers` are read or written once, stored as T.
template <class T>
GpuCase memory_case(const std::string& group, const Shape& s, double numbers) {
  GpuCase work;
  work.group = group;
  work.name = to_string(s);
  work.precision = precision_name<T>();
  work.bytes = numbers * sizeof(T);
  work.sizes = {{"n", s.n}, {"h", s.h}, {"w", s.w}, {"c", s.c}};
  work.tolerance = sizeof(T) == 2 ? 0x1p-8 : 2e-5;
  return work;
}

/// A convolution of square kernel, stride and padding (or cropping), stored as T; `s` is the shape
/// of one or of a transposed one.
template <class T, class S>
GpuCase convolution_case(const S& s, std::size_t macs, std::size_t pad) {
  GpuCase work;
  work.precision = precision_name<T>();
  work.flops = 2.0 * static_cast<double>(macs);
  work.bytes =
      static_cast<double>(sizeof(T)) * static_cast<double>(s.x_size() + s.w_size() + s.y_size());
  work.sizes = {{"n", s.n},
                {"h", s.h},
                {"w", s.w},
                {"c", s.c},
                {"k", s.k},
                {"kernel", s.kh},
                {"stride", s.stride_h},
                {"pad", pad}};
  work.tolerance = sizeof(T) == 2 ? 1e-2 : 5e-5;
  return work;
}

}  // namespace tinct::bench
