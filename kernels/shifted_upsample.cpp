// Products upsampled, shifted and added, on the CPU. Both directions are two weighted sums of
// pixels, first down the columns into a scratch row that stays in cache, then along it: per output
// number 6 + 18/s multiply-adds for a 3x3 kernel and a map s times smaller, instead of 36. Both
// gather: an output row (forward) or a row of products (backward) is one thread's.
#include "kernels/shifted_upsample.h"

#include <vector>

#include "core/memory.h"
#include "core/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/shifted_upsample.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#ifndef TINCT_SHIFTED_UPSAMPLE_SUMS
#define TINCT_SHIFTED_UPSAMPLE_SUMS
namespace tinct {

// Sum p is that of weight[k] * (the run of floats at in + offset[k]), k in [begin[p], begin[p +
// 1]).
struct WeightedSums {
  std::vector<std::size_t> begin = {0};
  std::vector<std::size_t> offset;
  std::vector<float> weight;

  void add(std::size_t at, float factor) {
    if (factor == 0) return;
    offset.push_back(at);
    weight.push_back(factor);
  }
  void end() { begin.push_back(offset.size()); }
};

// Runs of floats, `count` of them, from `in` and to `out`, where they begin so many floats apart.
struct Runs {
  std::size_t length, count, in_step, out_step;
};

}  // namespace tinct
#endif

HWY_BEFORE_NAMESPACE();
namespace tinct::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `vectors` neighbouring vectors of one sum.
template <std::size_t vectors, class D>
HWY_INLINE void sum_vectors(D d, const WeightedSums& sums, std::size_t p, const float* in, bool add,
                            float* out) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> total[vectors];
  for (std::size_t v = 0; v < vectors; ++v) {
    total[v] = add ? hn::LoadU(d, out + v * lanes) : hn::Zero(d);
  }
  for (std::size_t k = sums.begin[p]; k < sums.begin[p + 1]; ++k) {
    const auto weight = hn::Set(d, sums.weight[k]);
    const float* from = in + sums.offset[k];
    for (std::size_t v = 0; v < vectors; ++v) {
      total[v] = hn::MulAdd(weight, hn::LoadU(d, from + v * lanes), total[v]);
    }
  }
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(total[v], d, out + v * lanes);
}

// Sum p of each run, added to `out` or stored there.
void sum_runs(const WeightedSums& sums, std::size_t p, const Runs& runs, const float* in, bool add,
              float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t run = 0; run < runs.count; ++run, in += runs.in_step, out += runs.out_step) {
    std::size_t i = 0;
    for (; i + 4 * lanes <= runs.length; i += 4 * lanes) {
      sum_vectors<4>(d, sums, p, in + i, add, out + i);
    }
    for (; i + lanes <= runs.length; i += lanes) sum_vectors<1>(d, sums, p, in + i, add, out + i);
    for (; i < runs.length; ++i) {
      sum_vectors<1>(hn::CappedTag<float, 1>(), sums, p, in + i, add, out + i);
    }
  }
}

// All sums, `step` floats apart in `out`.
void sum_all(const WeightedSums& sums, std::size_t length, const float* in, bool add, float* out,
             std::size_t step) {
  for (std::size_t p = 0; p + 1 < sums.begin.size(); ++p, out += step) {
    sum_runs(sums, p, {length, 1, 0, 0}, in, add, out);
  }
}

}  // namespace tinct::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinct::cpu {
namespace {

HWY_EXPORT(sum_runs);
HWY_EXPORT(sum_all);

// Sum o: what output o takes of `axis.first.size()` upsampled positions, tap t (`tap_step` floats
// further on) from position o + t - kernel/2, read from inputs `step` floats apart.
WeightedSums forward_sums(const BilinearAxis& axis, std::size_t kernel, std::size_t step,
                          std::size_t tap_step) {
  WeightedSums sums;
  const std::size_t out = axis.first.size();
  const std::size_t half = kernel / 2;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t t = 0; t < kernel; ++t) {
      if (o + t < half || o + t >= out + half) continue;
      const std::size_t p = o + t - half;
      sums.add(axis.first[p] * step + t * tap_step, 1 - axis.weight[p]);
      sums.add(axis.second[p] * step + t * tap_step, axis.weight[p]);
    }
    sums.end();
  }
  return sums;
}

// The transpose. Sum i * kernel + t: what input i gets through tap t from outputs `step` apart.
WeightedSums backward_sums(const BilinearAxis& axis, std::size_t in, std::size_t kernel,
                           std::size_t step) {
  WeightedSums sums;
  const std::size_t out = axis.first.size();
  const std::size_t half = kernel / 2;
  std::size_t begin = 0;  // the first position whose second input is not behind i
  for (std::size_t i = 0; i < in; ++i) {
    while (begin < out && axis.second[begin] < i) ++begin;
    for (std::size_t t = 0; t < kernel; ++t) {
      for (std::size_t p = begin; p < out && axis.first[p] <= i; ++p) {
        if (p + half < t || p + half - t >= out) continue;
        const float weight = (axis.first[p] == i ? 1 - axis.weight[p] : 0) +
                             (axis.second[p] == i ? axis.weight[p] : 0);
        sums.add((p + half - t) * step, weight);
      }
      sums.end();
    }
  }
  return sums;
}

}  // namespace

void add_shifted_upsample(const ShiftedUpsample& s, const float* g, float* y) {
  const std::size_t run = s.kernel * s.c;  // of a row of taps
  const std::size_t pixel = s.kernel * run;
  const WeightedSums down =
      forward_sums(bilinear_axis(s.h, s.oh, s.align), s.kernel, s.w * pixel, run);
  const WeightedSums along = forward_sums(bilinear_axis(s.w, s.ow, s.align), s.kernel, run, s.c);
  parallel_for(s.oh, [&](std::size_t begin, std::size_t end) {
    Workspace<float> row(s.w * run);
    for (std::size_t o = begin; o < end; ++o) {
      HWY_DYNAMIC_DISPATCH(sum_runs)(down, o, {run, s.w, pixel, run}, g, false, row.data());
      HWY_DYNAMIC_DISPATCH(sum_all)
      (along, s.c, row.data(), true, y + o * s.ow * s.y_pixel, s.y_pixel);
    }
  });
}

void shifted_upsample_backward(const ShiftedUpsample& s, const float* dy, float* dg) {
  const std::size_t wide = s.ow * s.c;
  const std::size_t run = s.kernel * s.c;
  const WeightedSums up =
      backward_sums(bilinear_axis(s.h, s.oh, s.align), s.h, s.kernel, s.ow * s.y_pixel);
  const WeightedSums along = backward_sums(bilinear_axis(s.w, s.ow, s.align), s.w, s.kernel, s.c);
  parallel_for(s.h, [&](std::size_t begin, std::size_t end) {
    Workspace<float> row(wide);
    for (std::size_t r = begin; r < end; ++r) {
      for (std::size_t t = 0; t < s.kernel; ++t) {
        HWY_DYNAMIC_DISPATCH(sum_runs)
        (up, r * s.kernel + t, {s.c, s.ow, s.y_pixel, s.c}, dy, false, row.data());
        // Sums of one pixel are neighbours; those of the next come after the other rows of taps.
        float* out = dg + r * s.w * s.kernel * run + t * run;
        for (std::size_t x = 0; x < s.w; ++x, out += s.kernel * run) {
          for (std::size_t u = 0; u < s.kernel; ++u) {
            HWY_DYNAMIC_DISPATCH(sum_runs)
            (along, x * s.kernel + u, {s.c, 1, 0, 0}, row.data(), false, out + u * s.c);
          }
        }
      }
    }
  });
}

}  // namespace tinct::cpu
#endif  // HWY_ONCE
