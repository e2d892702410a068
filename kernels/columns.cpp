// Columns of matrices, on the CPU.
#include "kernels/columns.h"

#include <algorithm>
#include <vector>

#include "core/threads.h"

namespace tinct::cpu {

void copy_columns(const Columns& c, const float* in, float* out) {
  parallel_for(c.rows, [=](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      std::copy_n(in + r * c.in_wide + c.from, c.count, out + r * c.out_wide + c.to);
    }
  });
}

void add_columns(const Columns& c, const float* in, float* out) {
  parallel_for(c.rows, [=](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const float* from = in + r * c.in_wide + c.from;
      float* to = out + r * c.out_wide + c.to;
      for (std::size_t i = 0; i < c.count; ++i) to[i] += from[i];
    }
  });
}

void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to) {
  std::vector<double> sum(columns);
  for (std::size_t i = 0; i < rows * columns; ++i) sum[i % columns] += from[i];
  std::copy(sum.begin(), sum.end(), to);
}

}  // namespace tinct::cpu
