// Losses, value and gradient in one call that waits for the value; blurs, sums, soft encoding.
#include <cmath>
#include <memory>

#include "bench/gpu/cases.h"
#include "bench/gpu/numbers.h"
#include "kernels/ab_bins.h"
#include "kernels/blurred_euclidean.h"
#include "kernels/gaussian_blur.h"
#include "kernels/pixel_loss.h"
#include "kernels/softmax_cross_entropy.h"
#include "kernels/sum_of_squares.h"

namespace tinct::bench {
namespace {

// A prediction, a target, and what a loss makes of them.
struct Data {
  Data(std::size_t count, std::size_t targets)
      : prediction(count, 1), target(targets, 2), gradient(count) {}
  // Both the value and the gradient count.
  double error(double expected_value, const std::vector<float>& expected) const {
    const double off = std::fabs(value - expected_value) / std::fabs(expected_value);
    const double worst = largest_error(gradient.host(), expected);
    return off > worst || std::isnan(off) ? off : worst;
  }

  Input<float> prediction, target;
  Output<float> gradient;
  double value = 0;
};

// `side` calls a loss on the data; `plain` is the reference on the host.
using Loss = std::function<double(const float* prediction, const float* target, float* gradient)>;

GpuWork loss_work(std::size_t count, const std::vector<std::pair<const char*, Loss>>& rungs,
                  const Loss& plain) {
  const auto d = std::make_shared<Data>(count, count);
  std::vector<float> expected(count);
  const double value = plain(d->prediction.host().data(), d->target.host().data(), expected.data());
  GpuWork work;
  for (const auto& [name, loss] : rungs) {
    work.sides.push_back({name, [d, run = loss] {
                            d->value =
                                run(d->prediction.data(), d->target.data(), d->gradient.data());
                          }});
  }
  work.poison = [d] { d->gradient.poison(); };
  work.error = [d, value, expected] { return d->error(value, expected); };
  return work;
}

void run_pixel_losses(GpuBench& bench, const Shape& s) {
  for (const auto& [penalty, name] :
       {std::pair{Penalty::l2, "l2_loss"}, std::pair{Penalty::huber, "huber_loss"}}) {
    const PixelLoss loss{penalty, s.pixels(), s.c, 0.5f};
    bench.run(memory_case<float>(name, s, 3 * static_cast<double>(s.size())), [&] {
      return loss_work(
          s.size(),
          {{"tinct", [loss](const float* p, const float* t,
                            float* g) { return gpu::pixel_loss(loss, p, t, nullptr, g); }}},
          [loss](const float* p, const float* t, float* g) {
            return ref::pixel_loss(loss, p, t, nullptr, g);
          });
    });
  }
}

void run_blurred(GpuBench& bench, const Shape& s) {
  BlurredEuclidean loss;
  loss.shape = s;
  loss.taps = {gaussian_taps(3, kDahlSigma), gaussian_taps(5, kDahlSigma)};
  bench.run(memory_case<float>("blurred_euclidean", s, 3 * static_cast<double>(s.size())), [&] {
    const auto rung = [loss](auto function) {
      return Loss([loss, function](const float* p, const float* t, float* g) {
        return function(loss, p, t, g);
      });
    };
    return loss_work(s.size(),
                     {{"composed", rung(gpu::blurred_euclidean_composed)},
                      {"tiles", rung(gpu::blurred_euclidean_tiles)},
                      {"tinct", rung(gpu::blurred_euclidean)}},
                     rung(ref::blurred_euclidean));
  });
  bench.run(memory_case<float>("gaussian_blur_5", s, 2 * static_cast<double>(s.size())), [&] {
    const auto d = std::make_shared<Data>(s.size(), 0);
    const std::vector<float> taps = loss.taps[1];
    std::vector<float> expected(s.size());
    ref::gaussian_blur(s, taps, Border::symmetric, d->prediction.host().data(), expected.data());
    const auto side = [d, s, taps](const char* name, auto function) {
      return GpuSide{name, [d, s, taps, function] {
                       function(s, taps, Border::symmetric, d->prediction.data(),
                                d->gradient.data());
                     }};
    };
    return GpuWork{
        {side("two_pass", gpu::gaussian_blur_two_pass), side("tinct", gpu::gaussian_blur)},
        [d] { d->gradient.poison(); },
        [d, expected] { return largest_error(d->gradient.host(), expected); }};
  });
}

// Whole numbers below `bins` in floats, as the sparse targets' tensors carry them.
std::vector<float> random_bins(std::size_t count, std::size_t bins) {
  std::vector<float> index(count);
  for (std::size_t i = 0; i < count; ++i) index[i] = static_cast<float>(i * 7919 % bins);
  return index;
}

// Targets that are never negative: |random| of the pool, not summing to one, as class weights do.
std::vector<float> magnitudes(std::size_t count) {
  const Pool<float>& pool = Pool<float>::get();
  std::vector<float> v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = std::fabs(pool.at(i + 99991));
  return v;
}

void run_softmax(GpuBench& bench, std::size_t pixels, std::size_t bins, std::size_t neighbours) {
  const SoftmaxShape s{pixels, bins, neighbours, ClassWeighting::each_bin};
  const std::size_t count = pixels * bins, targets = pixels * (neighbours ? neighbours : bins);
  GpuCase work = memory_case<float>(
      neighbours ? "softmax_cross_entropy/sparse" : "softmax_cross_entropy/dense",
      {1, 1, pixels, bins}, 2.0 * static_cast<double>(count) + static_cast<double>(targets));
  work.sizes["neighbours"] = neighbours;
  bench.run(work, [&] {
    struct Targets {
      Targets(const std::vector<float>& i, const std::vector<float>& z)
          : index(i.data(), i.size()), weight(z.data(), z.size()) {}
      device::Array<float> index, weight;
    };
    const std::vector<float> index = random_bins(neighbours ? targets : 0, bins);
    const std::vector<float> weight = magnitudes(targets);
    const auto z = std::make_shared<Targets>(index, weight);
    const auto rung = [s, z](auto function) {
      return Loss([s, z, function](const float* logits, const float*, float* gradient) {
        return function(s, logits, z->index.data(), z->weight.data(), nullptr, gradient);
      });
    };
    return loss_work(count,
                     {{"naive", rung(gpu::softmax_cross_entropy_naive)},
                      {"warp", rung(gpu::softmax_cross_entropy_warp)},
                      {"tinct", rung(gpu::softmax_cross_entropy)}},
                     [&](const float* logits, const float*, float* gradient) {
                       return ref::softmax_cross_entropy(s, logits,
                                                         neighbours ? index.data() : nullptr,
                                                         weight.data(), nullptr, gradient);
                     });
  });
}

void run_sums(GpuBench& bench, const Shape& s) {
  bench.run(memory_case<float>("sum_of_squares", s, static_cast<double>(s.size())), [&] {
    const auto d = std::make_shared<Data>(s.size(), 0);
    double expected = 0;
    for (const float v : d->prediction.host()) expected += double{v} * v;
    const auto side = [d](const char* name, auto function) {
      return GpuSide{
          name, [d, function] { d->value = function(d->prediction.size(), d->prediction.data()); }};
    };
    return GpuWork{
        {side("tree", gpu::sum_of_squares_tree), side("shuffle", gpu::sum_of_squares_shuffle),
         side("tinct", gpu::sum_of_squares)},
        [d] { d->value = std::nan(""); },
        [d, expected] { return std::fabs(d->value - expected) / expected; }};
  });
}

// Zhang's bins: colours to soft bins, and logits back to colours.
void run_bins(GpuBench& bench, std::size_t pixels) {
  const std::vector<float> bins = zhang_bins();
  const std::size_t q = bins.size() / 2;
  struct Arrays {
    Arrays(const std::vector<float>& bins, std::size_t pixels)
        : table(bins.data(), bins.size()), logits(pixels * bins.size() / 2, 1), ab(2 * pixels) {}
    device::Array<float> table;
    Input<float> logits;
    Output<float> ab;
  };
  GpuCase work = memory_case<float>("annealed_mean", {1, 1, pixels, q},
                                    static_cast<double>(pixels) * static_cast<double>(q + 2));
  work.tolerance = 1e-4;
  bench.run(work, [&] {
    const auto d = std::make_shared<Arrays>(bins, pixels);
    std::vector<float> expected(2 * pixels);
    cpu::annealed_mean(q, bins.data(), pixels, d->logits.host().data(), 0.38f, expected.data());
    return GpuWork{{{"tinct",
                     [d, q, pixels] {
                       gpu::annealed_mean(q, d->table.data(), pixels, d->logits.data(), 0.38f,
                                          d->ab.data());
                     },
                     0}},
                   [d] { d->ab.poison(); },
                   [d, expected] { return largest_error(d->ab.host(), expected); }};
  });
}

}  // namespace

void run_losses(GpuBench& bench) {
  const Shape chroma{bench.extent(16, 1), bench.extent(224, 12), bench.extent(224, 16), 2};
  run_pixel_losses(bench, chroma);
  run_blurred(bench, chroma);
  const std::size_t pixels = bench.extent(16 * 56 * 56, 24);
  run_softmax(bench, pixels, 313, 0);
  run_softmax(bench, pixels, 313, 5);
  run_sums(bench, activations(bench));
  run_bins(bench, pixels);
}

}  // namespace tinct::bench
