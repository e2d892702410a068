// Convolution at the thirteen layers of VGG16, and at the shapes of a small U-Net, against oneDNN.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/conv_layers.h"
#include "bench/harness.h"
#include "core/memory.h"
#include "kernels/conv/conv2d.h"
#ifdef TINCT_ONEDNN
#include "kernels/vendor/onednn.h"
#endif

namespace tinct::bench {
namespace {

constexpr ConvLayer kUnet[] = {
    {"stem", 1, 32, 128, 3, 1}, {"stem/2", 1, 32, 128, 3, 2},  {"down", 32, 64, 128, 3, 2},
    {"3x3", 32, 32, 128},       {"3x3", 64, 64, 64},           {"3x3", 128, 128, 32},
    {"3x3", 256, 256, 16},      {"3x3", 256, 256, 8},          {"decoder", 384, 128, 32},
    {"1x1", 128, 64, 64, 1},    {"head", 32, 2, 128, 1},       {"head 3x3", 64, 2, 128},
    {"tail", 64, 3, 224},       {"4x4/2", 64, 128, 128, 4, 2},
};

// Aligned as tensors are.
Workspace<float> random_array(std::size_t count, std::uint64_t seed) {
  const std::vector<float> numbers = random_floats(count, seed);
  Workspace<float> array(count);
  std::copy(numbers.begin(), numbers.end(), array.data());
  return array;
}

// The arrays of one convolution.
struct Data {
  explicit Data(const Conv2dShape& shape)
      : s(shape),
        x(random_array(s.x_size(), 1)),
        w(random_array(s.w_size(), 2)),
        bias(random_array(s.k, 3)),
        dy(random_array(s.y_size(), 4)),
        y(s.y_size()),
        dx(s.x_size()),
        dw(s.w_size()) {}
  Conv2dShape s;
  Workspace<float> x, w, bias, dy, y, dx, dw;
};

double flops(const Conv2dShape& s) {
  return 2.0 * static_cast<double>(s.macs());
}

#ifdef TINCT_ONEDNN
using vendor::ConvPass;
using vendor::OnednnConv2d;

void add_peer(Case& work, const Data& d, ConvPass pass, const Workspace<float>& ours) {
  const bool forward = pass == ConvPass::forward;
  const auto peer = std::make_shared<OnednnConv2d>(d.s, pass, d.x.data(), d.w.data(), d.dy.data(),
                                                   forward ? d.bias.data() : nullptr,
                                                   forward ? Activation::relu : Activation::none);
  work.sides.push_back({"onednn", [peer] { peer->run(); }});
  work.check = [peer, &ours] {
    std::vector<float> theirs(ours.size());
    peer->result(theirs.data());
    return compare(ours.data(), theirs.data(), ours.size(), 1e-5);
  };
}
#define ADD_PEER(work, d, pass, ours) add_peer(work, d, ConvPass::pass, ours)
#else
#define ADD_PEER(work, d, pass, ours)
#endif

void forward(Bench& bench, const std::string& group, const ConvLayer& layer, std::size_t batch) {
  const std::string name = layer.text(batch);
  if (!bench.wants(group, name)) return;
  Data d(layer.shape(batch));
  Case work{group, name, flops(d.s), 0, {}, {}};
  const cpu::PackedWeights packed = cpu::pack_weights(d.s, d.w.data());
  work.sides.push_back(
      {"tinct",
       [&] { cpu::conv2d(d.s, d.x.data(), packed, d.bias.data(), Activation::relu, d.y.data()); }});
  ADD_PEER(work, d, forward, d.y);
  work.sides.push_back({"tinct, packing", [&d] {
                          cpu::conv2d(d.s, d.x.data(), d.w.data(), d.bias.data(), Activation::relu,
                                      d.y.data());
                        }});
  bench.run(work);
}

void backward_data(Bench& bench, const std::string& group, const ConvLayer& layer,
                   std::size_t batch) {
  const std::string name = layer.text(batch);
  if (!bench.wants(group, name)) return;
  Data d(layer.shape(batch));
  Case work{group, name, flops(d.s), 0, {}, {}};
  const cpu::PackedWeights packed = cpu::pack_weights_backward_data(d.s, d.w.data());
  work.sides.push_back(
      {"tinct", [&] { cpu::conv2d_backward_data(d.s, d.dy.data(), packed, d.dx.data()); }});
  ADD_PEER(work, d, backward_data, d.dx);
  work.sides.push_back({"tinct, packing", [&d] {
                          cpu::conv2d_backward_data(d.s, d.dy.data(), d.w.data(), d.dx.data());
                        }});
  bench.run(work);
}

void backward_weights(Bench& bench, const std::string& group, const ConvLayer& layer,
                      std::size_t batch) {
  const std::string name = layer.text(batch);
  if (!bench.wants(group, name)) return;
  Data d(layer.shape(batch));
  Case work{group, name, flops(d.s), 0, {}, {}};
  work.sides.push_back(
      {"tinct",
       [&d] { cpu::conv2d_backward_weights(d.s, d.x.data(), d.dy.data(), d.dw.data(), nullptr); }});
  ADD_PEER(work, d, backward_weights, d.dw);
  bench.run(work);
}

void run_conv(Bench& bench) {
  for (const std::size_t batch : {1, 4}) {
    for (const ConvLayer& layer : kVgg16Layers) forward(bench, "conv2d/forward", layer, batch);
  }
  for (const std::size_t batch : {1, 4}) {
    for (const ConvLayer& layer : kVgg16Layers)
      backward_data(bench, "conv2d/backward_data", layer, batch);
  }
  for (const std::size_t batch : {1, 4}) {
    for (const ConvLayer& layer : kVgg16Layers) {
      backward_weights(bench, "conv2d/backward_weights", layer, batch);
    }
  }
  for (const ConvLayer& layer : kUnet) forward(bench, "conv2d/unet/forward", layer, 8);
  for (const ConvLayer& layer : kUnet) backward_data(bench, "conv2d/unet/backward_data", layer, 8);
  for (const ConvLayer& layer : kUnet)
    backward_weights(bench, "conv2d/unet/backward_weights", layer, 8);
}

const Register kConv{"conv2d", run_conv};

}  // namespace
}  // namespace tinct::bench
