// Every rung of the convolution at the layers of VGG16 and at shapes where libraries are weak,
// beside cuDNN.
#include <memory>
#include <optional>

#include "bench/conv_layers.h"
#include "bench/gpu/cases.h"
#include "bench/gpu/conv_samples.h"
#include "bench/gpu/numbers.h"
#include "kernels/conv/rungs.h"
#ifdef TINCT_WITH_CUDNN
#include "kernels/vendor/cudnn.h"
#endif

namespace tinct::bench {
namespace {

// Few channels in or out, hypercolumns, strides: colorizers' other layers.
constexpr ConvLayer kOthers[] = {
    {"stem", 1, 64, 224},          {"tail", 64, 2, 224},     {"tail", 64, 3, 224},
    {"hyper", 963, 128, 56},       {"padded", 968, 128, 56}, {"heads", 64, 100, 56, 1},
    {"4x4/2", 64, 128, 112, 4, 2}, {"1x1", 512, 256, 28, 1},
};
constexpr std::size_t kBatches[] = {1, 4, 16};

// In a smoke run the extents shrink, but channels of every kind of rung stay.
ConvLayer shrunk(const GpuBench& bench, ConvLayer layer) {
  layer.size = bench.extent(layer.size, 6);
  layer.c = bench.extent(layer.c, layer.c % 8 == 0 ? 16 : 19);
  layer.k = bench.extent(layer.k, layer.k % 8 == 0 ? 16 : 20);
  return layer;
}

// The arrays of one pass; those that it does not touch are empty.
template <class T>
struct Data {
  Data(const Conv2dShape& shape, Conv2dPass pass)
      : s(shape),
        x(pass == Conv2dPass::backward_data ? 0 : s.x_size(), 1),
        w(pass == Conv2dPass::backward_weights ? 0 : s.w_size(), 2),
        dy(pass == Conv2dPass::forward ? 0 : s.y_size(), 3),
        bias(s.k, 4),
        out(pass == Conv2dPass::forward         ? s.y_size()
            : pass == Conv2dPass::backward_data ? s.x_size()
                                                : 0),
        dw(pass == Conv2dPass::backward_weights ? s.w_size() : 0) {}

  Conv2dShape s;
  Input<T> x, w, dy;
  Input<float> bias;
  Output<T> out;  // y or dx
  Output<float> dw;
};

template <class T>
std::vector<Sample> samples_of(const Data<T>& d, Conv2dPass pass) {
  const auto at = [](const auto& array) { return [&array](std::size_t i) { return array.at(i); }; };
  switch (pass) {
    case Conv2dPass::forward:
      return forward_samples(d.s, at(d.x), at(d.w), at(d.bias), true);
    case Conv2dPass::backward_data:
      return backward_data_samples(d.s, at(d.dy), at(d.w));
    case Conv2dPass::backward_weights:
      return backward_weights_samples(d.s, at(d.x), at(d.dy));
  }
  return {};
}

// The rung's function on the data, or nothing where it has none for this.
template <class T>
std::optional<GpuSide> side(const gpu::Conv2dRung<T>& rung, const std::shared_ptr<Data<T>>& d,
                            Conv2dPass pass) {
  if (!rung.supports(pass, d->s)) return {};
  const gpu::Conv2dRung<T>* const r = &rung;
  if (pass == Conv2dPass::forward && r->forward) {
    return GpuSide{r->name, [d, r] {
                     r->forward(d->s, d->x.data(), d->w.data(), d->bias.data(), Activation::relu,
                                d->out.data());
                   }};
  }
  if (pass == Conv2dPass::backward_data && r->backward_data) {
    return GpuSide{r->name,
                   [d, r] { r->backward_data(d->s, d->dy.data(), d->w.data(), d->out.data()); }};
  }
  if (pass == Conv2dPass::backward_weights && r->backward_weights) {
    return GpuSide{r->name, [d, r] {
                     r->backward_weights(d->s, d->x.data(), d->dy.data(), d->dw.data(), nullptr);
                   }};
  }
  return {};
}

std::span<const gpu::Conv2dRung<float>> rungs(float) {
  return gpu::conv2d_rungs();
}
std::span<const gpu::Conv2dRung<bf16>> rungs(bf16) {
  return gpu::conv2d_rungs_bf16();
}

const char* taken(Conv2dPass pass, const Conv2dShape& s, float) {
  return gpu::conv2d_rung(pass, s).name;
}
const char* taken(Conv2dPass pass, const Conv2dShape& s, bf16) {
  return gpu::conv2d_rung_bf16(pass, s).name;
}

// Rungs that round the factors of f32 convolutions.
std::vector<const gpu::Conv2dRung<float>*> tf32_rungs() {
  std::vector<const gpu::Conv2dRung<float>*> rungs;
  for (const gpu::Conv2dRung<float>& rung : gpu::conv2d_rungs_tf32()) {
    if (std::string(rung.name).ends_with("_tf32")) rungs.push_back(&rung);
  }
#ifdef TINCT_WITH_CUDNN
  if (vendor::cudnn_problem().empty()) rungs.push_back(&vendor::cudnn_rung_tf32());
#endif
  return rungs;
}

template <class T>
std::vector<GpuSide> sides_of(const std::shared_ptr<Data<T>>& d, Conv2dPass pass) {
  std::vector<GpuSide> sides;
  for (const gpu::Conv2dRung<T>& rung : rungs(T{})) {
    if (auto made = side(rung, d, pass)) sides.push_back(std::move(*made));
  }
  if constexpr (sizeof(T) == 4) {
    for (const gpu::Conv2dRung<float>* rung : tf32_rungs()) {
      auto made = side(*rung, d, pass);
      if (!made) continue;
      made->tolerance = 5e-3;
      sides.push_back(std::move(*made));
    }
  }
  return sides;
}

template <class T>
GpuWork prepare(const Conv2dShape& s, Conv2dPass pass) {
  const auto d = std::make_shared<Data<T>>(s, pass);
  GpuWork work;
  work.sides = sides_of(d, pass);
  work.taken = taken(pass, s, T{});
  const bool weights = pass == Conv2dPass::backward_weights;
  work.poison = [d, weights] { weights ? d->dw.poison() : d->out.poison(); };
  work.error = [d, weights, samples = samples_of(*d, pass)] {
    std::vector<double> got, expected;
    for (const Sample& sample : samples) {
      got.push_back(weights ? d->dw.at(sample.index) : d->out.at(sample.index));
      expected.push_back(sample.expected);
    }
    return largest_error(got, expected);
  };
  return work;
}

const char* name_of(Conv2dPass pass) {
  switch (pass) {
    case Conv2dPass::forward:
      return "conv2d/forward";
    case Conv2dPass::backward_data:
      return "conv2d/backward_data";
    case Conv2dPass::backward_weights:
      return "conv2d/backward_weights";
  }
  return "";
}

template <class T>
void run_layer(GpuBench& bench, const ConvLayer& whole, std::size_t batch, Conv2dPass pass) {
  const ConvLayer layer = shrunk(bench, whole);
  const std::size_t n = bench.extent(batch, 1);
  const Conv2dShape s = layer.shape(n);
  GpuCase work = convolution_case<T>(s, s.macs(), s.pad_top);
  work.group = name_of(pass);
  work.name = layer.text(n);
  bench.run(work, [&] { return prepare<T>(s, pass); });
}

}  // namespace

void run_convolutions(GpuBench& bench) {
  for (const Conv2dPass pass :
       {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_weights}) {
    const auto both = [&](const ConvLayer& layer, std::size_t batch) {
      run_layer<float>(bench, layer, batch, pass);
      run_layer<bf16>(bench, layer, batch, pass);
    };
    for (const std::size_t batch : kBatches) {
      if (bench.smoke() && batch > 1) break;
      for (const ConvLayer& layer : kVgg16Layers) both(layer, batch);
    }
    for (const ConvLayer& layer : kOthers) both(layer, 16);
  }
}

}  // namespace tinct::bench
