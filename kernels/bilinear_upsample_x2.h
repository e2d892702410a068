// Rows of exact bilinear doubling under Align::half_pixel: with the edge pixels repeated once
// outside, every output is 3/4 of the pixel it lies in and 1/4 of that pixel's neighbour.
#pragma once

#include <cstddef>

#include "core/shape.h"
#include "kernels/bilinear_upsample.h"

namespace tinct {

/// Whether the fast path takes these rows; the others go the general way.
bool doubles_rows(const Shape& s, std::size_t ow, Align align);

/// row (width,c), y (2 width,c). Writes the c floats before and after `row`. With `stream` (for
/// which y is aligned and c a multiple of 16) y goes past the caches; end with hwy::FlushStream().
void double_row(std::size_t width, std::size_t c, float* row, float* y, bool stream);
/// The adjoint: row (2 width,c), dx (width,c). Writes the c floats before and after `row`.
void halve_row(std::size_t width, std::size_t c, float* row, float* dx);

}  // namespace tinct
