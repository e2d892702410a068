// Concatenation on the GPU, a launch for every eight inputs. Bound by memory: 8 bytes an element of
// y each way, 4 for bf16.
#include "kernels/concat.h"

#include <algorithm>
#include <cstdint>

#include "core/simt/divide.h"
#include "core/simt/pack.h"

namespace tinct::gpu {
namespace {

constexpr int kMostParts = 8;

// Neighbouring inputs, in packs: part i is the packs [begin[i], begin[i + 1]) of their row; those
// beyond `count` begin at its end.
template <class T>
struct Parts {
  T* data[kMostParts];
  unsigned begin[kMostParts + 1];
  int count;
  Divisor row;        // packs of these inputs in a row
  std::size_t whole;  // packs of all inputs in a row
};

// A thread owns a pack of whole rows and finds the part that it is of: neighbouring lanes touch
// neighbouring packs of the joined side, and of the other side within a part. Copies rows to their
// parts, or the parts to `joined`.
template <bool kSplit, int kWidth, class T>
__global__ void copy(Parts<T> parts, unsigned packs, T* joined) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < packs; i += gridDim.x * blockDim.x) {
    const unsigned row = parts.row.divide(i), at = i - row * parts.row.value();
    T* data = parts.data[0];
    unsigned begin = 0, end = parts.begin[1];
    for (int part = 1; part < kMostParts; ++part) {
      if (at < parts.begin[part]) continue;
      data = parts.data[part];
      begin = parts.begin[part];
      end = parts.begin[part + 1];
    }
    T* own = data + (std::size_t{row} * (end - begin) + at - begin) * kWidth;
    T* place = joined + (row * parts.whole + at) * kWidth;
    if constexpr (!kSplit) {
      store(place, load<kWidth>(own));
    } else if (data != nullptr) {
      store(own, load<kWidth>(place));
    }
  }
}

template <bool kSplit, class T>
void launch_copy(std::size_t rows, std::size_t whole, const Parts<T>& inputs, T* joined) {
  // Of inputs beyond the first eight the place in `joined` may lie anywhere in a row.
  bool wide = whole % kFullPack<T> == 0 && reinterpret_cast<std::uintptr_t>(joined) % 16 == 0;
  for (int i = 0; i <= inputs.count; ++i) wide = wide && inputs.begin[i] % kFullPack<T> == 0;
  with_width<T>(wide ? 0 : 1, [&]<int kWidth>() {
    Parts<T> parts = inputs;
    for (unsigned& begin : parts.begin) begin /= kWidth;
    parts.row = Divisor(parts.begin[parts.count]);
    parts.whole = whole / kWidth;
    for (int i = parts.count + 1; i <= kMostParts; ++i) parts.begin[i] = parts.row.value();
    const unsigned packs = small_index("concat", rows * parts.row.value());
    launch(over(packs), copy<kSplit, kWidth, T>, parts, packs, joined);
  });
}

// The inputs' arrays, eight at a time, with their places in the rows of `joined`.
template <bool kSplit, class T, class Input, class Array>
void run(std::size_t rows, const std::vector<Input>& inputs, const Array& array, T* joined) {
  std::size_t whole = 0, done = 0;
  for (const Input& input : inputs) whole += input.c;
  if (rows == 0) return;
  Parts<T> parts{};
  const auto flush = [&] {
    if (parts.begin[parts.count] != 0) {
      launch_copy<kSplit>(rows, whole, parts, joined + done);
      done += parts.begin[parts.count];
    }
    parts = Parts<T>{};
  };
  for (const Input& input : inputs) {
    if (input.c == 0) continue;
    parts.data[parts.count] = array(input);
    parts.begin[parts.count + 1] = parts.begin[parts.count] + static_cast<unsigned>(input.c);
    if (++parts.count == kMostParts) flush();
  }
  flush();
}

template <class T, class Input>
void run_forward(std::size_t rows, const std::vector<Input>& inputs, T* y) {
  // Of the parts of a forward copy nothing is written.
  run<false>(
      rows, inputs, [](const Input& input) { return const_cast<T*>(input.x); }, y);
}

template <class T, class Input>
void run_backward(std::size_t rows, const T* dy, const std::vector<Input>& inputs) {
  run<true>(
      rows, inputs, [](const Input& input) { return input.dx; }, const_cast<T*>(dy));
}

}  // namespace

void concat(std::size_t rows, const std::vector<ConcatInput>& inputs, float* y) {
  run_forward(rows, inputs, y);
}
void concat(std::size_t rows, const std::vector<ConcatInputOf<bf16>>& inputs, bf16* y) {
  run_forward(rows, inputs, y);
}

void concat_backward(std::size_t rows, const float* dy, const std::vector<ConcatGradient>& inputs) {
  run_backward(rows, dy, inputs);
}
void concat_backward(std::size_t rows, const bf16* dy,
                     const std::vector<ConcatGradientOf<bf16>>& inputs) {
  run_backward(rows, dy, inputs);
}

}  // namespace tinct::gpu
