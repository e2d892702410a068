// Transposed convolution that doubles a map: the data gradient of a convolution, used forward.
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/conv_samples.h"
#include "bench/gpu/numbers.h"
#include "kernels/conv_transpose2d.h"

namespace tinct::bench {
namespace {

template <class T>
struct Data {
  explicit Data(const ConvTranspose2dShape& shape)
      : s(shape),
        x(s.x_size(), 1),
        w(s.w_size(), 2),
        dy(s.y_size(), 3),
        y(s.y_size()),
        dx(s.x_size()) {}
  ConvTranspose2dShape s;
  Input<T> x, w, dy;
  Output<T> y, dx;
};

// The weights that the convolution it is the gradient of would have: (c,kh,kw,k) of (k,kh,kw,c).
template <class T>
NumberAt turned_weights(const Data<T>& d) {
  return [&d](std::size_t i) {
    const ConvTranspose2dShape& s = d.s;
    const std::size_t k = i % s.k, tap = i / s.k % (s.kh * s.kw), c = i / s.k / (s.kh * s.kw);
    return d.w.at((k * s.kh * s.kw + tap) * s.c + c);
  };
}

template <class T>
std::function<double()> error_of(const std::shared_ptr<Data<T>>& d, Output<T> Data<T>::*out,
                                 const std::vector<Sample>& samples) {
  return [d, out, samples] {
    std::vector<double> got, expected;
    for (const Sample& sample : samples) {
      got.push_back(((*d).*out).at(sample.index));
      expected.push_back(sample.expected);
    }
    return largest_error(got, expected);
  };
}

template <class T>
GpuWork forward(const ConvTranspose2dShape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  const NumberAt x = [&d](std::size_t i) { return d->x.at(i); };
  return {{{"tinct",
            [d] {
              gpu::conv_transpose2d(d->s, d->x.data(), d->w.data(), nullptr, Activation::none,
                                    d->y.data());
            },
            0}},
          [d] { d->y.poison(); },
          error_of(d, &Data<T>::y, backward_data_samples(s.conv(), x, turned_weights(*d)))};
}

template <class T>
GpuWork backward_data(const ConvTranspose2dShape& s) {
  const auto d = std::make_shared<Data<T>>(s);
  const NumberAt dy = [&d](std::size_t i) { return d->dy.at(i); };
  const NumberAt none = [](std::size_t) { return 0.0f; };
  return {
      {{"tinct",
        [d] { gpu::conv_transpose2d_backward_data(d->s, d->dy.data(), d->w.data(), d->dx.data()); },
        0}},
      [d] { d->dx.poison(); },
      error_of(d, &Data<T>::dx, forward_samples(s.conv(), dy, turned_weights(*d), none, false))};
}

template <class T>
void run_type(GpuBench& bench) {
  ConvTranspose2dShape s;
  s.n = bench.extent(16, 1);
  s.h = s.w = bench.extent(56, 4);
  s.c = bench.extent(128, 16);
  s.k = bench.extent(64, 16);
  s.kh = s.kw = 4;
  s.stride_h = s.stride_w = 2;
  s.crop_top = s.crop_left = s.crop_bottom = s.crop_right = 1;
  GpuCase work = convolution_case<T>(s, s.conv().macs(), s.crop_top);
  work.name = "4x4/2 " + std::to_string(s.c) + "->" + std::to_string(s.k) + " " +
              std::to_string(s.h) + " b" + std::to_string(s.n);
  work.group = "conv_transpose2d/forward";
  bench.run(work, [&] { return forward<T>(s); });
  work.group = "conv_transpose2d/backward_data";
  bench.run(work, [&] { return backward_data<T>(s); });
}

}  // namespace

void run_transposed_convolutions(GpuBench& bench) {
  run_type<float>(bench);
  run_type<bf16>(bench);
}

}  // namespace tinct::bench
