// Losses, blur and dropout against the copy bandwidth: bytes are one read of each input and one
// write of each output.
#include <string>

#include "bench/harness.h"
#include "core/tensor.h"
#include "kernels/ab_bins.h"
#include "kernels/blurred_euclidean.h"
#include "kernels/dropout.h"
#include "kernels/pixel_loss.h"
#include "kernels/softmax_cross_entropy.h"

namespace tinct::bench {
namespace {

Tensor random(Shape shape, std::uint64_t seed) {
  return Tensor::from(shape, random_floats(shape.size(), seed));
}

// Times `ours`, which fills y, after comparing its result with what `reference` fills in.
void run_case(Bench& bench, const std::string& group, const std::string& name, double bytes,
              Tensor& y, const std::function<void(Tensor&)>& ours,
              const std::function<void(Tensor&)>& reference, double tolerance) {
  if (!bench.wants(group, name)) return;
  Tensor expected(y.shape());
  reference(expected);
  bench.run({group, name, 0, bytes, {{"tinct", [&] { ours(y); }}}, [&] {
               return compare(y.f32(), expected.f32(), y.size(), tolerance);
             }});
}

void run_softmax(Bench& bench, std::size_t n, std::size_t size, std::size_t bins) {
  constexpr std::size_t kNeighbours = 5;
  const Shape s{n, size, size, bins};
  const std::string name = to_string(s);
  if (!bench.wants("softmax_cross_entropy", name)) return;
  const Tensor logits = random(s, 1);
  const Tensor ab = random({n, size, size, 2}, 2);
  Tensor index({n, size, size, kNeighbours}), weight(index.shape()), gradient(s);
  const auto table = full_grid_bins();
  soft_encode(bins, table.data(), s.pixels(), ab.f32(), kNeighbours, 5, index.f32(), weight.f32());
  const auto with = [&](auto f) {
    return [&, f](Tensor& g) {
      f(SoftmaxShape{s.pixels(), bins, kNeighbours, ClassWeighting::top_bin}, logits.f32(),
        index.f32(), weight.f32(), nullptr, g.f32());
    };
  };
  run_case(bench, "softmax_cross_entropy", name,
           4.0 * static_cast<double>(2 * s.size() + 2 * index.size()), gradient,
           with(cpu::softmax_cross_entropy), with(ref::softmax_cross_entropy), 1e-6);
}

void run_pixel_losses(Bench& bench) {
  const Shape s{8, 512, 512, 2};
  const Tensor p = random(s, 1);
  const Tensor t = random(s, 2);
  Tensor gradient(s);
  const double bytes = 12.0 * static_cast<double>(s.size());
  for (const auto& [name, penalty] : {std::pair{"l1", Penalty::l1},
                                      {"l2", Penalty::l2},
                                      {"huber", Penalty::huber},
                                      {"bce_with_logits", Penalty::bce_with_logits}}) {
    const PixelLoss loss{penalty, s.pixels(), s.c, 0.5f};
    const auto with = [&](auto f) {
      return [&, f](Tensor& g) { f(loss, p.f32(), t.f32(), nullptr, g.f32()); };
    };
    run_case(bench, "pixel_loss", name, bytes, gradient, with(cpu::pixel_loss),
             with(ref::pixel_loss), 1e-6);
  }
  const BlurredEuclidean blurred{s, {gaussian_taps(3, kDahlSigma), gaussian_taps(5, kDahlSigma)}};
  const auto with = [&](auto f) {
    return [&, f](Tensor& g) { f(blurred, p.f32(), t.f32(), g.f32()); };
  };
  run_case(bench, "pixel_loss", "blurred_euclidean", bytes, gradient, with(cpu::blurred_euclidean),
           with(ref::blurred_euclidean), 1e-6);
}

void run_others(Bench& bench) {
  const Shape s{8, 128, 128, 64};
  const Tensor x = random(s, 1);
  Tensor y(s);
  const double bytes = 8.0 * static_cast<double>(s.size());
  const Random stream(1, Purpose::dropout);
  const auto drop = [&](auto f) {
    return [&, f](Tensor& out) { f(stream, 0.5f, s.size(), x.f32(), out.f32()); };
  };
  run_case(bench, "elementwise", "dropout " + to_string(s), bytes, y, drop(cpu::dropout),
           drop(ref::dropout), 0);
  const auto taps = gaussian_taps(5, 1);
  const auto blur = [&](auto f) {
    return [&, f](Tensor& out) { f(s, taps, Border::symmetric, x.f32(), out.f32()); };
  };
  run_case(bench, "elementwise", "gaussian_blur 5 taps " + to_string(s), bytes, y,
           blur(cpu::gaussian_blur), blur(ref::gaussian_blur), 1e-6);
}

void run(Bench& bench) {
  run_softmax(bench, 8, 64, 313);
  run_softmax(bench, 8, 128, 50);
  run_softmax(bench, 8, 32, 529);
  run_pixel_losses(bench);
  run_others(bench);
}

const Register loss{"loss", run};

}  // namespace
}  // namespace tinct::bench
