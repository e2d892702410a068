// Batch normalisation: its statistics rung by rung, and a training pass each way.
#include "kernels/batch_norm.h"

#include <cmath>
#include <memory>
#include <vector>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"

namespace tinct::bench {
namespace {

template <class T>
struct Data {
  explicit Data(const Shape& s)
      : rows(s.pixels()),
        c(s.c),
        x(s.size(), 1),
        dy(s.size(), 2),
        gamma(s.c, 3),
        beta(s.c, 4),
        mean(s.c),
        variance(s.c),
        dgamma(s.c),
        dbeta(s.c),
        out(s.size()),
        host_mean(s.c),
        host_variance(s.c) {
    ref::batch_norm_statistics(rows, c, x.host().data(), host_mean.data(), host_variance.data());
    gpu::batch_norm_statistics(rows, c, x.data(), mean.data(), variance.data());
  }

  BatchNormChannels channels() const {
    return {mean.data(), variance.data(), gamma.data(), beta.data()};
  }
  void statistics() { gpu::batch_norm_statistics(rows, c, x.data(), mean.data(), variance.data()); }
  void forward() {
    statistics();
    gpu::batch_norm(rows, c, channels(), x.data(), Activation::relu, out.data());
  }
  void backward() {
    if constexpr (sizeof(T) == 2) {
      gpu::batch_norm_backward(rows, c, channels(), x.data(), dy.data(), Activation::relu, true,
                               out.data(), dgamma.data(), dbeta.data());
    } else {
      gpu::batch_norm_backward(rows, c, channels(), x.data(), dy.data(), Activation::relu, true,
                               {out.data(), dgamma.data(), dbeta.data()});
    }
  }

  std::size_t rows, c;
  Input<T> x, dy;
  Input<float> gamma, beta;
  Output<float> mean, variance, dgamma, dbeta;
  Output<T> out;
  std::vector<float> host_mean, host_variance;
};

// With the statistics that the device took, so that no sign of an activation's input differs.
struct Host {
  template <class T>
  explicit Host(const Data<T>& d)
      : x(d.x.host()),
        dy(d.dy.host()),
        mean(d.mean.host()),
        variance(d.variance.host()),
        gamma(d.gamma.host()),
        beta(d.beta.host()) {}
  BatchNormChannels channels() const {
    return {mean.data(), variance.data(), gamma.data(), beta.data()};
  }
  std::vector<float> x, dy, mean, variance, gamma, beta;
};

template <class T>
void run_statistics(GpuBench& bench, const Shape& s) {
  bench.run(memory_case<T>("batch_norm/statistics", s, static_cast<double>(s.size())), [&] {
    const auto d = std::make_shared<Data<T>>(s);
    GpuWork work;
    if constexpr (sizeof(T) == 4) {
      work.sides.push_back({"naive", [d] {
                              gpu::batch_norm_statistics_naive(d->rows, d->c, d->x.data(),
                                                               d->mean.data(), d->variance.data());
                            }});
      work.sides.push_back({"two_pass", [d] {
                              gpu::batch_norm_statistics_two_pass(
                                  d->rows, d->c, d->x.data(), d->mean.data(), d->variance.data());
                            }});
    }
    work.sides.push_back({"tinct", [d] { d->statistics(); }});
    work.poison = [d] { d->variance.poison(); };
    work.error = [d] { return largest_error(d->variance.host(), d->host_variance); };
    return work;
  });
}

// Elements whose activation's input is zero but for rounding: either slope is right there.
std::vector<std::size_t> undecided(const Host& host, std::size_t c) {
  const double eps = host.channels().eps;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < host.x.size(); ++i) {
    const std::size_t j = i % c;
    const double scale = double{host.gamma[j]} / std::sqrt(double{host.variance[j]} + eps);
    if (std::fabs((double{host.x[i]} - host.mean[j]) * scale + host.beta[j]) < 1e-5) {
      found.push_back(i);
    }
  }
  return found;
}

template <class T>
void run_passes(GpuBench& bench, const Shape& s) {
  const auto size = static_cast<double>(s.size());
  bench.run(memory_case<T>("batch_norm_relu/forward", s, 3 * size), [&] {
    const auto d = std::make_shared<Data<T>>(s);
    const Host host(*d);
    std::vector<float> expected(s.size());
    ref::batch_norm(d->rows, d->c, host.channels(), host.x.data(), Activation::relu,
                    expected.data());
    return GpuWork{{{"tinct", [d] { d->forward(); }, 0}},
                   [d] { d->out.poison(); },
                   [d, expected] { return largest_error(d->out.host(), expected); }};
  });
  bench.run(memory_case<T>("batch_norm_relu/backward", s, 5 * size), [&] {
    const auto d = std::make_shared<Data<T>>(s);
    const Host host(*d);
    std::vector<float> expected(s.size()), dgamma(s.c), dbeta(s.c);
    ref::batch_norm_backward(d->rows, d->c, host.channels(), host.x.data(), host.dy.data(),
                             Activation::relu, true,
                             {expected.data(), dgamma.data(), dbeta.data()});
    return GpuWork{{{"tinct", [d] { d->backward(); }, 0}},
                   [d] { d->out.poison(); },
                   [d, expected, either = undecided(host, s.c)] {
                     std::vector<float> got = d->out.host();
                     for (const std::size_t i : either) got[i] = expected[i];
                     return largest_error(got, expected);
                   }};
  });
}

template <class T>
void run_type(GpuBench& bench) {
  for (const Shape& s : {activations(bench), Shape{bench.extent(16, 1), bench.extent(28, 6),
                                                   bench.extent(28, 8), 256}}) {
    run_statistics<T>(bench, s);
    run_passes<T>(bench, s);
  }
}

}  // namespace

void run_batch_norm(GpuBench& bench) {
  run_type<float>(bench);
  run_type<bf16>(bench);
}

}  // namespace tinct::bench
