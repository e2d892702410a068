// How a weight gradient is cut: which operand lies in vectors, into which blocks of pixels, and
// into which units of work.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv/conv2d.h"

namespace tinct::conv {

/// One operand, x or dy, as it is packed: padded with zeros, in planes of `width` channels, so that
/// a tap is an offset and a row a run of memory. A packed block:
/// [plane][image][row][column][width].
struct Operand {
  std::size_t h, w, c;             ///< of the array
  std::size_t pad_top, pad_left;   ///< zeros before its first row and column
  std::size_t stride_h, stride_w;  ///< its pixels from one output pixel to the next
  std::size_t reach;               ///< rows after the first that an output row reads
  std::size_t columns;             ///< of a packed row
  std::size_t width;               ///< channels of a plane
  std::size_t unit = 0;            ///< channels that a tile of output takes, whole planes
  std::size_t plane = 0;           ///< numbers in a plane of the largest block

  std::size_t packed_rows(std::size_t rows) const { return (rows - 1) * stride_h + reach + 1; }
  std::size_t units() const { return (c + unit - 1) / unit; }
  std::size_t planes(std::size_t channels) const { return (channels + width - 1) / width; }
  std::size_t packed_size() const { return planes(c) * plane; }
};

/// A stretch of output pixels that is packed at once: rows of one image, or several whole images.
struct Block {
  std::size_t image, images, row, rows;
};

/// One vector of channels at one tap: where it starts in the packed operand and in a row of output.
struct VectorSlot {
  std::size_t offset, out;
};

/// A run of channels that are broadcast together, each an output row of its own.
struct ScalarRun {
  std::size_t offset, out, count;
};

/// The gradient is a matrix product over pixels of two operands. One is read in vectors of channels
/// and gives the columns of the output, the other is broadcast number by number and gives its rows.
/// With x in the vectors the output has the layout of dw (its channels padded to whole vectors);
/// with dy in the vectors, better for few input channels, it is the transpose of dw.
///
/// Where weights are few beside pixels, the work is cut into chunks of blocks, each with an output
/// of its own, and these are added in order of chunk. Elsewhere it is cut into tiles of the output,
/// which all read the same packed block. Both follow from the shape and the vector length alone, so
/// results are the same bits for any thread count, and nothing is packed twice.
struct WeightGradientPlan {
  Conv2dShape s;
  bool dy_in_vectors = false;
  Operand vectors, scalars;
  std::size_t out_columns = 0, out_rows = 0;
  bool by_tiles = false;
  std::vector<Block> blocks;
  std::size_t chunks = 1;
  std::size_t span_images = 1, span_rows = 1, span_columns = 1;  ///< summed in registers at once
  std::size_t max_run = 1;

  /// Whether the output is dw itself.
  bool direct() const { return chunks == 1 && !dy_in_vectors && out_columns == s.w_size() / s.k; }
  std::size_t tiles() const { return vectors.units() * scalars.units(); }
  /// The work on channels [begin, end) of each operand.
  std::vector<VectorSlot> slots(std::size_t begin, std::size_t end) const;
  std::vector<ScalarRun> runs(std::size_t begin, std::size_t end) const;
};

/// What a target's kernel can hold in registers.
struct TileLimits {
  std::size_t lanes;    ///< floats of a vector
  std::size_t run;      ///< broadcasts of a full tile
  std::size_t max_run;  ///< most broadcasts of any tile
};

WeightGradientPlan plan_weight_gradient(const Conv2dShape& s, const TileLimits& limits);

}  // namespace tinct::conv
