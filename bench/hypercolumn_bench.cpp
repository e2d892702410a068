// The hypercolumn convolution split by map against the one that builds the hypercolumn.
#include <string>
#include <vector>

#include "bench/harness.h"
#include "layers/bilinear_upsample.h"
#include "layers/concat.h"
#include "layers/conv2d.h"
#include "layers/hypercolumn.h"

namespace tinct::bench {
namespace {

Tensor random(Shape shape, std::uint64_t seed) {
  return Tensor::from(shape, random_floats(shape.size(), seed));
}

// Dahl's: grey, and VGG16's first four taps.
struct Hypercolumn {
  std::size_t n, size, kernel;
  std::vector<Value> maps;
  Value w;

  Hypercolumn(std::size_t batch, std::size_t side, std::size_t kernel_side)
      : n(batch), size(side), kernel(kernel_side) {
    const std::size_t channels[] = {3, 64, 128, 256, 512};
    const std::size_t scales[] = {1, 1, 2, 4, 8};
    for (std::size_t i = 0; i < 5; ++i) {
      maps.emplace_back(random({n, side / scales[i], side / scales[i], channels[i]}, i));
    }
    w = Value(random({128, kernel, kernel, 963}, 9), true);
  }
  Value split() const { return hypercolumn_conv2d(maps, w, {}, size, size); }
  Value naive() const {
    std::vector<Value> large(maps.begin(), maps.begin() + 2);
    for (std::size_t i = 2; i < maps.size(); ++i) {
      large.push_back(bilinear_upsample(maps[i], size, size));
    }
    return conv2d(concat(large), w, {}, same_padding(kernel));
  }
  double flops() const {
    return 2.0 * static_cast<double>(n * size * size * 128 * kernel * kernel) * 963;
  }
  std::string name() const {
    const std::string k = std::to_string(kernel);
    return "963->128 " + k + "x" + k + " " + std::to_string(size) + " b" + std::to_string(n);
  }
};

void forward(Bench& bench, const Hypercolumn& h) {
  if (!bench.wants("hypercolumn/forward", h.name())) return;
  const NoGrad no_grad;
  Tensor split, naive;
  bench.run(
      {"hypercolumn/forward",
       h.name(),
       h.flops(),
       0,
       {{"tinct", [&] { split = h.split().data(); }}, {"naive", [&] { naive = h.naive().data(); }}},
       [&] { return compare(split.f32(), naive.f32(), split.size(), 1e-5); }});
}

// Frozen maps: forward, and the gradient of the weights.
void step(Bench& bench, const Hypercolumn& h) {
  if (!bench.wants("hypercolumn/step", h.name())) return;
  const Tensor dy = random({h.n, h.size, h.size, 128}, 3);
  Tensor split, naive;
  const auto run = [&](const Value& y, Tensor& dw) {
    y.backward(dy);
    dw = h.w.grad();
    h.w.clear_grad();
  };
  bench.run({"hypercolumn/step",
             h.name(),
             2 * h.flops(),
             0,
             {{"tinct", [&] { run(h.split(), split); }}, {"naive", [&] { run(h.naive(), naive); }}},
             [&] { return compare(split.f32(), naive.f32(), split.size(), 1e-5); }});
}

void run(Bench& bench) {
  for (const std::size_t kernel : {3, 1}) {
    const Hypercolumn h(1, 224, kernel);
    forward(bench, h);
    step(bench, h);
  }
}

const Register kHypercolumn{"hypercolumn", run};

}  // namespace
}  // namespace tinct::bench
