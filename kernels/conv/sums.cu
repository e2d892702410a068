// Sums over the rows of a matrix, on the GPU. Bound by memory: 4 bytes (bf16: 2) and an addition an
// element.
//
// A block owns up to 256 columns of a span of rows. Its threads lie over the matrix as it lies in
// memory, several short rows side by side, so that lanes read neighbours whatever the columns are;
// each adds up one column, then a tree adds the threads of a column. With many rows the spans'
// sums go through memory once more.
#include "kernels/conv/sums.h"

#include <algorithm>

#include "core/simt/device.h"
#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

constexpr int kThreads = 256;
constexpr std::size_t kSpan = 64;  // rows that a thread adds up, unless there are very many
constexpr std::size_t kMostSpans = 256;

// Threads in use: `side` rows of `width` columns.
template <class T>
__global__ void add_spans(std::size_t rows, std::size_t span, int columns, int width, const T* from,
                          float* to) {
  __shared__ float part[kThreads];
  const int t = static_cast<int>(threadIdx.x), side = kThreads / width;
  const int row = t / width;
  const int column = static_cast<int>(blockIdx.x) * width + t % width;
  const std::size_t begin = blockIdx.y * span, end = min(rows, begin + span);
  float sum = 0;
  if (row < side && column < columns) {
    for (std::size_t i = begin + row; i < end; i += side)
      sum += load<1>(from + i * columns + column).v[0];
  }
  part[t] = sum;
  for (int left = side; left > 1;) {
    __syncthreads();
    const int half = (left + 1) / 2;
    if (row + half < left) part[t] += part[t + half * width];
    left = half;
  }
  if (row == 0 && column < columns)
    to[blockIdx.y * static_cast<std::size_t>(columns) + column] = part[t];
}

template <class T>
void add(std::size_t rows, std::size_t spans, std::size_t columns, const T* from, float* to) {
  const std::size_t width = std::min<std::size_t>(columns, kThreads);
  const auto tiles = static_cast<unsigned>(ceil_div(columns, width));
  launch({dim3(tiles, static_cast<unsigned>(spans)), kThreads}, add_spans<T>, rows,
         std::max<std::size_t>(1, ceil_div(rows, spans)), static_cast<int>(columns),
         static_cast<int>(width), from, to);
}

template <class T>
void sum(std::size_t rows, std::size_t columns, const T* from, float* to) {
  if (columns == 0) return;
  const std::size_t side = kThreads / std::min<std::size_t>(columns, kThreads);
  const std::size_t spans = std::clamp<std::size_t>(ceil_div(rows, kSpan * side), 1, kMostSpans);
  if (spans == 1) return add(rows, 1, columns, from, to);
  device::Array<float> parts(spans * columns);
  add(rows, spans, columns, from, parts.data());
  add(spans, 1, columns, parts.data(), to);
}

}  // namespace

void sum_rows(std::size_t rows, std::size_t columns, const float* from, float* to) {
  sum(rows, columns, from, to);
}
void sum_rows(std::size_t rows, std::size_t columns, const bf16* from, float* to) {
  sum(rows, columns, from, to);
}

}  // namespace tinct::gpu
