// Upsampling to twice the size each way, rung by rung, and a hypercolumn's shifted sum.
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/bilinear_upsample.h"
#include "kernels/nearest_upsample.h"
#include "kernels/shifted_upsample.h"

namespace tinct::bench {
namespace {

// `small` has the input's size, `large` the output's.
template <class T>
struct Data {
  explicit Data(const Shape& x)
      : s(x),
        small(x.size(), 1),
        large(4 * x.size(), 2),
        small_out(x.size()),
        large_out(4 * x.size()) {}
  Shape s;
  Input<T> small, large;
  Output<T> small_out, large_out;
};

// Calls a function of the two sizes on one array and the other.
template <class T, class F>
GpuSide forward_side(const char* name, const std::shared_ptr<Data<T>>& d, F f) {
  return {name, [d, f] { f(d->s, 2 * d->s.h, 2 * d->s.w, d->small.data(), d->large_out.data()); }};
}
template <class T, class F>
GpuSide backward_side(const char* name, const std::shared_ptr<Data<T>>& d, F f) {
  return {name, [d, f] { f(d->s, 2 * d->s.h, 2 * d->s.w, d->large.data(), d->small_out.data()); }};
}

#define TINCT_BILINEAR(function)                                                   \
  [](const Shape& s, std::size_t oh, std::size_t ow, const auto* from, auto* to) { \
    function(s, oh, ow, Align::half_pixel, from, to);                              \
  }
#define TINCT_NEAREST(function)                                                    \
  [](const Shape& s, std::size_t oh, std::size_t ow, const auto* from, auto* to) { \
    function(s, oh, ow, from, to);                                                 \
  }

template <class T>
GpuWork bilinear_forward(const Shape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  std::vector<float> expected(4 * s.size());
  ref::bilinear_upsample(s, 2 * s.h, 2 * s.w, Align::half_pixel, d->small.host().data(),
                         expected.data());
  GpuWork work;
  if constexpr (sizeof(T) == 4) {
    work.sides.push_back(forward_side("naive", d, TINCT_BILINEAR(gpu::bilinear_upsample_naive)));
    work.sides.push_back(forward_side("packs", d, TINCT_BILINEAR(gpu::bilinear_upsample_packs)));
  }
  work.sides.push_back(forward_side("tinct", d, TINCT_BILINEAR(gpu::bilinear_upsample)));
  work.poison = [d] { d->large_out.poison(); };
  work.error = [d, expected] { return largest_error(d->large_out.host(), expected); };
  return work;
}

template <class T>
GpuWork bilinear_backward(const Shape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  std::vector<float> expected(s.size());
  ref::bilinear_upsample_backward(s, 2 * s.h, 2 * s.w, Align::half_pixel, d->large.host().data(),
                                  expected.data());
  GpuWork work;
  if constexpr (sizeof(T) == 4) {
    work.sides.push_back(
        backward_side("naive", d, TINCT_BILINEAR(gpu::bilinear_upsample_backward_naive)));
    work.sides.push_back(
        backward_side("packs", d, TINCT_BILINEAR(gpu::bilinear_upsample_backward_packs)));
  }
  work.sides.push_back(backward_side("tinct", d, TINCT_BILINEAR(gpu::bilinear_upsample_backward)));
  work.poison = [d] { d->small_out.poison(); };
  work.error = [d, expected] { return largest_error(d->small_out.host(), expected); };
  return work;
}

template <class T>
GpuWork nearest_forward(const Shape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  std::vector<float> expected(4 * s.size());
  ref::nearest_upsample(s, 2 * s.h, 2 * s.w, d->small.host().data(), expected.data());
  return {{forward_side("tinct", d, TINCT_NEAREST(gpu::nearest_upsample))},
          [d] { d->large_out.poison(); },
          [d, expected] { return largest_error(d->large_out.host(), expected); }};
}

template <class T>
GpuWork nearest_backward(const Shape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  std::vector<float> expected(s.size());
  ref::nearest_upsample_backward(s, 2 * s.h, 2 * s.w, d->large.host().data(), expected.data());
  return {{backward_side("tinct", d, TINCT_NEAREST(gpu::nearest_upsample_backward))},
          [d] { d->small_out.poison(); },
          [d, expected] { return largest_error(d->small_out.host(), expected); }};
}

template <class T>
void run_type(GpuBench& bench) {
  const Shape s{bench.extent(16, 1), bench.extent(56, 6), bench.extent(56, 5), 64};
  const double numbers = 5 * static_cast<double>(s.size());
  bench.run(memory_case<T>("bilinear_x2/forward", s, numbers),
            [&] { return bilinear_forward<T>(s); });
  bench.run(memory_case<T>("bilinear_x2/backward", s, numbers),
            [&] { return bilinear_backward<T>(s); });
  bench.run(memory_case<T>("nearest_x2/forward", s, numbers),
            [&] { return nearest_forward<T>(s); });
  bench.run(memory_case<T>("nearest_x2/backward", s, numbers),
            [&] { return nearest_backward<T>(s); });
}

// The products of a 3x3 convolution at an eighth of the size, added to y.
void run_shifted(GpuBench& bench) {
  ShiftedUpsample s;
  s.h = s.w = bench.extent(28, 3);
  s.oh = s.ow = 8 * s.h;
  s.c = s.y_pixel = bench.extent(128, 8);
  const std::size_t g_size = s.h * s.w * 9 * s.c, y_size = s.oh * s.ow * s.c;
  const Shape shape{1, s.h, s.w, s.c};
  const double numbers = static_cast<double>(g_size) + 2 * static_cast<double>(y_size);
  bench.run(memory_case<float>("shifted_upsample_x8/add", shape, numbers), [&] {
    struct Arrays {
      Arrays(std::size_t g_size, std::size_t y_size) : g(g_size, 1), y(y_size) {}
      Input<float> g;
      Output<float> y;
    };
    const auto d = std::make_shared<Arrays>(g_size, y_size);
    std::vector<float> expected(y_size, 0.0f);
    ref::add_shifted_upsample(s, d->g.host().data(), expected.data());
    return GpuWork{
        {{"tinct", [d, s] { gpu::add_shifted_upsample(s, d->g.data(), d->y.data()); }, 0}},
        [d] { device::set_zero(d->y.data(), d->y.size() * sizeof(float)); },
        [d, expected] { return largest_error(d->y.host(), expected); }};
  });
}

}  // namespace

void run_upsampling(GpuBench& bench) {
  run_type<float>(bench);
  run_type<bf16>(bench);
  run_shifted(bench);
}

}  // namespace tinct::bench
