// Transposed convolution by the convolution kernels, input and output exchanging roles.
#include "kernels/conv_transpose2d.h"

#include <algorithm>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/activation.h"

namespace tinct::cpu {
namespace {

// to (b,taps,a) = from (a,taps,b)
void exchange(std::size_t a, std::size_t taps, std::size_t b, const float* from, float* to) {
  parallel_for(b * taps, [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const float* source = from + row % taps * b + row / taps;
      for (std::size_t i = 0; i < a; ++i) to[row * a + i] = source[i * taps * b];
    }
  });
}

void add_bias(std::size_t pixels, std::size_t k, const float* bias, float* y) {
  parallel_for(pixels, [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = 0; j < k; ++j) y[i * k + j] += bias[j];
    }
  });
}

// The bias gradient. Columns are summed over fixed spans of pixels, the spans in double.
void sum_pixels(std::size_t pixels, std::size_t k, const float* dy, float* db) {
  constexpr std::size_t kSpan = 256;
  const std::size_t spans = (pixels + kSpan - 1) / kSpan;
  Workspace<float> partial(spans * k);
  float* sums = partial.data();
  parallel_for(spans, [=](std::size_t begin, std::size_t end) {
    for (std::size_t span = begin; span < end; ++span) {
      float* sum = sums + span * k;
      std::fill(sum, sum + k, 0.0f);
      for (std::size_t i = span * kSpan; i < std::min(pixels, (span + 1) * kSpan); ++i) {
        for (std::size_t j = 0; j < k; ++j) sum[j] += dy[i * k + j];
      }
    }
  });
  for (std::size_t j = 0; j < k; ++j) {
    double sum = 0;
    for (std::size_t span = 0; span < spans; ++span) sum += sums[span * k + j];
    db[j] = static_cast<float>(sum);
  }
}

}  // namespace

void conv_transpose2d(const ConvTranspose2dShape& s, const float* x, const float* w,
                      const float* bias, Activation activation, float* y) {
  Workspace<float> exchanged(s.w_size());
  exchange(s.k, s.kh * s.kw, s.c, w, exchanged.data());
  conv2d_backward_data(s.conv(), x, exchanged.data(), y);
  if (bias) add_bias(s.n * s.oh() * s.ow(), s.k, bias, y);
  if (activation != Activation::none) cpu::activation(activation, s.y_size(), y, y);
}

void conv_transpose2d_backward_data(const ConvTranspose2dShape& s, const float* dy, const float* w,
                                    float* dx) {
  Workspace<float> exchanged(s.w_size());
  exchange(s.k, s.kh * s.kw, s.c, w, exchanged.data());
  conv2d(s.conv(), dy, exchanged.data(), nullptr, Activation::none, dx);
}

void conv_transpose2d_backward_weights(const ConvTranspose2dShape& s, const float* x,
                                       const float* dy, float* dw, float* db) {
  Workspace<float> exchanged(s.w_size());
  conv2d_backward_weights(s.conv(), dy, x, exchanged.data(), nullptr);
  exchange(s.c, s.kh * s.kw, s.k, exchanged.data(), dw);
  if (db) sum_pixels(s.n * s.oh() * s.ow(), s.k, dy, db);
}

}  // namespace tinct::cpu
