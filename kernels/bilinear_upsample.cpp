// Bilinear resizing on the CPU: a row at a time, first down the columns into a scratch row that
// stays in cache, then along it. Both directions gather, so rows are independent.
// Bytes: forward reads x and writes y, backward reads dy and writes dx.
#include "kernels/bilinear_upsample.h"

#include <algorithm>

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/bilinear_upsample_x2.h"
#include "kernels/streaming.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bilinear_upsample.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include "kernels/vectors-inl.h"

#ifndef TINCT_BILINEAR_TAPS
#define TINCT_BILINEAR_TAPS
namespace tinct {

// The transpose of a BilinearAxis: input i gathers weight[k] times output first_output[i] + k -
// begin[i], for k in [begin[i], begin[i + 1]).
struct BilinearTaps {
  std::vector<std::size_t> first_output;
  std::vector<std::size_t> begin = {0};
  std::vector<float> weight;
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

HWY_INLINE float lerp(float a, float b, float t) {
  return a + t * (b - a);
}

// mixed = lerp(top, bottom, t)
void mix_rows(std::size_t count, const float* top, const float* bottom, float t, float* mixed) {
  const hn::ScalableTag<float> d;
  if (count < hn::Lanes(d)) {
    for (std::size_t i = 0; i < count; ++i) mixed[i] = lerp(top[i], bottom[i], t);
    return;
  }
  const auto weight = hn::Set(d, t);
  for_vectors(d, count, [&](std::size_t i) {
    hn::StoreU(lerp(hn::LoadU(d, top + i), hn::LoadU(d, bottom + i), weight), d, mixed + i);
  });
}

void stretch_row(const BilinearAxis& axis, std::size_t c, const float* HWY_RESTRICT row,
                 float* HWY_RESTRICT y, bool stream) {
  const std::size_t width = axis.first.size();
  for_channels(
      c,
      [&](auto d) {
        with_store(stream, [&](auto store) {
          for (std::size_t o = 0; o < width; ++o, y += c) {
            const float* a = row + axis.first[o] * c;
            const float* b = row + axis.second[o] * c;
            const auto weight = hn::Set(d, axis.weight[o]);
            for_vectors(d, c, [&](std::size_t i) {
              store(lerp(hn::LoadU(d, a + i), hn::LoadU(d, b + i), weight), d, y + i);
            });
          }
        });
      },
      [&](auto channels) {
        for (std::size_t o = 0; o < width; ++o, y += channels) {
          const float* a = row + axis.first[o] * channels;
          const float* b = row + axis.second[o] * channels;
          for (std::size_t i = 0; i < channels; ++i) y[i] = lerp(a[i], b[i], axis.weight[o]);
        }
      });
}

// sum = weight[0] rows + weight[1] (rows + stride) + ...
void gather_rows(std::size_t count, std::size_t taps, const float* weight, const float* rows,
                 std::size_t stride, float* HWY_RESTRICT sum) {
  const hn::ScalableTag<float> d;
  if (count < hn::Lanes(d)) {
    for (std::size_t i = 0; i < count; ++i) {
      sum[i] = 0;
      for (std::size_t k = 0; k < taps; ++k) sum[i] += weight[k] * rows[k * stride + i];
    }
    return;
  }
  for_vectors(d, count, [&](std::size_t i) {
    auto total = hn::Zero(d);
    for (std::size_t k = 0; k < taps; ++k) {
      total = hn::MulAdd(hn::Set(d, weight[k]), hn::LoadU(d, rows + k * stride + i), total);
    }
    hn::StoreU(total, d, sum + i);
  });
}

void shrink_row(const BilinearTaps& taps, std::size_t c, const float* HWY_RESTRICT row,
                float* HWY_RESTRICT dx) {
  const std::size_t width = taps.first_output.size();
  for_channels(
      c,
      [&](auto d) {
        for (std::size_t x = 0; x < width; ++x, dx += c) {
          const float* from = row + taps.first_output[x] * c;
          const float* weight = taps.weight.data() + taps.begin[x];
          const std::size_t count = taps.begin[x + 1] - taps.begin[x];
          for_vectors(d, c, [&](std::size_t i) {
            auto sum = hn::Zero(d);
            for (std::size_t k = 0; k < count; ++k) {
              sum = hn::MulAdd(hn::Set(d, weight[k]), hn::LoadU(d, from + k * c + i), sum);
            }
            hn::StoreU(sum, d, dx + i);
          });
        }
      },
      [&](auto channels) {
        for (std::size_t x = 0; x < width; ++x, dx += channels) {
          const float* from = row + taps.first_output[x] * channels;
          for (std::size_t i = 0; i < channels; ++i) dx[i] = 0;
          for (std::size_t k = taps.begin[x]; k < taps.begin[x + 1]; ++k, from += channels) {
            for (std::size_t i = 0; i < channels; ++i) dx[i] += taps.weight[k] * from[i];
          }
        }
      });
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(mix_rows);
HWY_EXPORT(stretch_row);
HWY_EXPORT(gather_rows);
HWY_EXPORT(shrink_row);

BilinearTaps transpose(const BilinearAxis& axis, std::size_t in) {
  BilinearTaps taps;
  const std::size_t out = axis.first.size();
  std::size_t begin = 0;  // the first output whose second input is not behind i
  for (std::size_t i = 0; i < in; ++i) {
    while (begin < out && axis.second[begin] < i) ++begin;
    taps.first_output.push_back(begin);
    for (std::size_t o = begin; o < out && axis.first[o] <= i; ++o) {
      taps.weight.push_back((axis.first[o] == i ? 1 - axis.weight[o] : 0) +
                            (axis.second[o] == i ? axis.weight[o] : 0));
    }
    taps.begin.push_back(taps.weight.size());
  }
  return taps;
}

}  // namespace

void bilinear_upsample(const Shape& s, std::size_t oh, std::size_t ow, Align align, const float* x,
                       float* y) {
  const BilinearAxis rows = bilinear_axis(s.h, oh, align);
  const BilinearAxis columns = bilinear_axis(s.w, ow, align);
  const std::size_t width = s.w * s.c;
  const bool doubles = doubles_rows(s, ow, align);
  const bool stream = stream_output(y, s.n * oh * ow * s.c, s.c);
  parallel_for(s.n * oh, [&](std::size_t begin, std::size_t end) {
    Workspace<float> padded(width + 2 * s.c);
    float* mixed = padded.data() + s.c;
    for (std::size_t i = begin; i < end; ++i) {
      const float* image = x + i / oh * s.h * width;
      const float* top = image + rows.first[i % oh] * width;
      const float* bottom = image + rows.second[i % oh] * width;
      HWY_DYNAMIC_DISPATCH(mix_rows)(width, top, bottom, rows.weight[i % oh], mixed);
      float* out = y + i * ow * s.c;
      if (doubles) {
        double_row(s.w, s.c, mixed, out, stream);
      } else {
        HWY_DYNAMIC_DISPATCH(stretch_row)(columns, s.c, mixed, out, stream);
      }
    }
    if (stream) hwy::FlushStream();
  });
}

void bilinear_upsample_backward(const Shape& s, std::size_t oh, std::size_t ow, Align align,
                                const float* dy, float* dx) {
  const BilinearTaps rows = transpose(bilinear_axis(s.h, oh, align), s.h);
  const BilinearTaps columns = transpose(bilinear_axis(s.w, ow, align), s.w);
  const std::size_t width = ow * s.c;
  const bool doubles = doubles_rows(s, ow, align);
  parallel_for(s.n * s.h, [&](std::size_t begin, std::size_t end) {
    Workspace<float> padded(width + 2 * s.c);
    float* sum = padded.data() + s.c;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t r = i % s.h;
      const float* from = dy + (i / s.h * oh + rows.first_output[r]) * width;
      HWY_DYNAMIC_DISPATCH(gather_rows)
      (width, rows.begin[r + 1] - rows.begin[r], rows.weight.data() + rows.begin[r], from, width,
       sum);
      float* out = dx + i * s.w * s.c;
      if (doubles) {
        halve_row(s.w, s.c, sum, out);
      } else {
        HWY_DYNAMIC_DISPATCH(shrink_row)(columns, s.c, sum, out);
      }
    }
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
