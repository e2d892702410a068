// Columns of matrices: copied or added from rows of one width to rows of another, and summed.
#pragma once

#include <cstddef>

namespace tinct {

/// Columns [from, from + count) of `rows` rows that begin `in_wide` apart, to columns [to, …) of
/// rows `out_wide` apart. in_wide 0 repeats one row.
struct Columns {
  std::size_t rows = 0, count = 0;
  std::size_t in_wide = 0, from = 0;
  std::size_t out_wide = 0, to = 0;
};

namespace cpu {

void copy_columns(const Columns& c, const float* in, float* out);
/// out += in.
void add_columns(const Columns& c, const float* in, float* out);
/// to (columns) = the sum of from (rows,columns) over its rows.
void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to);

}  // namespace cpu

namespace gpu {

void copy_columns(const Columns& c, const float* in, float* out);
void add_columns(const Columns& c, const float* in, float* out);
void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to);

}  // namespace gpu
}  // namespace tinct
