// The compact U-Net.
#include "models/unet.h"

#include <memory>
#include <stdexcept>

#include "layers/bilinear_upsample.h"
#include "layers/concat.h"
#include "models/blocks.h"

namespace tinct {
namespace {

// Two convolutions at one resolution.
struct Stage {
  ConvBlock first;
  ConvBlock second;

  Value operator()(const Value& x, const Mode& mode) const { return second(first(x, mode), mode); }
  void collect(Parameters& out, const std::string& prefix) const {
    first.collect(out, prefix + ".1");
    second.collect(out, prefix + ".2");
  }
};

Stage make_stage(std::size_t in, std::size_t out, std::size_t stride, Initializer& init) {
  ConvBlock first = make_conv_block(in, out, 3, stride, init);
  return {std::move(first), make_conv_block(out, out, 3, 1, init)};
}

//  stage        from                     to        size
//  encoder i    encoder i-1, stride 2    w_i       1/2^i
//  context      mean of the last stage   w_last    broadcast
//  decoder i    up(decoder i+1), enc i   w_i       1/2^i
//  head         decoder 1 (or 2)         2 (or q)  1/2 (or 1/4)
struct Unet {
  std::vector<Stage> encoder;
  GlobalContext context;
  std::vector<Stage> decoder;  // finest last
  Conv2d head;
  bool upsample_output = true;

  Value operator()(const Value& input, const Mode& mode, Taps* taps) const;
  Parameters parameters() const;
};

void tap(Taps* taps, const std::string& name, const Value& v) {
  if (taps) taps->emplace_back(name, v.data());
}

Value Unet::operator()(const Value& input, const Mode& mode, Taps* taps) const {
  std::vector<Value> skips;
  Value x = input;
  for (std::size_t i = 0; i < encoder.size(); ++i) {
    x = encoder[i](x, mode);
    tap(taps, "encoder" + std::to_string(i + 1), x);
    skips.push_back(x);
  }
  x = context(x);
  tap(taps, "context", x);
  for (std::size_t i = 0; i < decoder.size(); ++i) {
    const std::size_t level = encoder.size() - 2 - i;
    const Value& skip = skips[level];
    x = bilinear_upsample(x, skip.shape().h, skip.shape().w);
    x = decoder[i](concat({x, skip}), mode);
    tap(taps, "decoder" + std::to_string(level + 1), x);
  }
  x = head(x);
  tap(taps, "head", x);
  if (!upsample_output) return x;
  return bilinear_upsample(x, input.shape().h, input.shape().w);
}

Parameters Unet::parameters() const {
  Parameters out;
  for (std::size_t i = 0; i < encoder.size(); ++i) {
    encoder[i].collect(out, "encoder" + std::to_string(i + 1));
  }
  context.collect(out, "context");
  for (std::size_t i = 0; i < decoder.size(); ++i) {
    decoder[i].collect(out, "decoder" + std::to_string(encoder.size() - 1 - i));
  }
  head.collect(out, "head");
  return out;
}

}  // namespace

Model make_unet(const UnetConfig& config, std::uint64_t seed) {
  const std::vector<std::size_t>& widths = config.widths;
  const bool binned = config.head == Head::binned;
  if (widths.size() < 3) throw std::invalid_argument("make_unet: at least three widths are needed");
  if (binned && !config.bins.defined()) {
    throw std::invalid_argument("make_unet: a binned head needs its bins");
  }
  Initializer init(seed);
  Unet net;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    net.encoder.push_back(make_stage(i == 0 ? 1 : widths[i - 1], widths[i], 2, init));
  }
  net.context = make_global_context(widths.back(), init);
  const std::size_t finest = binned ? 1 : 0;  // level at which the head stands
  for (std::size_t i = widths.size() - 1; i-- > finest;) {
    net.decoder.push_back(make_stage(widths[i + 1] + widths[i], widths[i], 1, init));
  }
  const std::size_t outputs = binned ? config.bins.shape().w : 2;
  init.set_scheme(InitScheme::normal, 0.01);  // training starts from grey
  net.head = make_conv2d(widths[finest], outputs, 1, {}, /*with_bias=*/true, init);
  net.upsample_output = !binned;

  Model model;
  model.info.preset = config.preset;
  model.info.head = config.head;
  model.info.multiple = std::size_t{1} << widths.size();
  model.info.head_stride = binned ? 4 : 1;
  model.info.bins = config.bins;
  model.parameters = net.parameters();
  model.forward = [net = std::move(net)](const Value& x, const Mode& mode, Taps* taps) {
    return net(x, mode, taps);
  };
  return model;
}

}  // namespace tinct
