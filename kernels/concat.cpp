// Concatenation on the CPU.
#include "kernels/concat.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/concat.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "kernels/simd-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {
namespace {

void copy_floats(std::size_t count, const float* from, float* to, bool stream) {
  for_each_vector(count, stream,
                  [=](std::size_t, auto load, auto store) HWY_ATTR { store(load(from), to); });
}

void join_rows(std::size_t begin, std::size_t end, std::size_t parts, const ConcatInput* inputs,
               float* y, bool stream) {
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t k = 0; k < parts; ++k) {
      const std::size_t c = inputs[k].c;
      copy_floats(c, inputs[k].x + i * c, y, stream);
      y += c;
    }
  }
  if (stream) hwy::FlushStream();
}

void split_rows(std::size_t begin, std::size_t end, std::size_t parts, const float* dy,
                const ConcatGradient* outputs, bool stream) {
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t k = 0; k < parts; ++k) {
      const std::size_t c = outputs[k].c;
      if (outputs[k].dx) copy_floats(c, dy, outputs[k].dx + i * c, stream);
      dy += c;
    }
  }
  if (stream) hwy::FlushStream();
}

}  // namespace
}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

#include "kernels/blocks.h"
#include "kernels/streaming.h"

namespace tinct::cpu {

HWY_EXPORT(join_rows);
HWY_EXPORT(split_rows);

namespace {

// About as many rows as make a piece worth a thread.
std::size_t rows_per_block(std::size_t c) {
  return std::max<std::size_t>(1, 8192 / std::max<std::size_t>(1, c));
}

}  // namespace

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y) {
  std::size_t c = 0;
  bool whole = true;  // every part is whole lines of the cache
  for (const ConcatInput& input : inputs) {
    c += input.c;
    whole = whole && input.c % 16 == 0;
  }
  const auto run = HWY_DYNAMIC_DISPATCH(join_rows);
  const bool stream = whole && stream_output(y, rows * c);
  for_each_piece(
      rows,
      [&](std::size_t at, std::size_t size) {
        run(at, at + size, inputs.size(), inputs.data(), y + at * c, stream);
      },
      rows_per_block(c));
}

void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs) {
  std::size_t c = 0;
  bool stream = true;
  for (const ConcatGradient& input : inputs) {
    c += input.c;
    stream = stream && (!input.dx || stream_output(input.dx, rows * input.c, input.c));
  }
  const auto run = HWY_DYNAMIC_DISPATCH(split_rows);
  for_each_piece(
      rows,
      [&](std::size_t at, std::size_t size) {
        run(at, at + size, inputs.size(), dy + at * c, inputs.data(), stream);
      },
      rows_per_block(c));
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
