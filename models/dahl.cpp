// Dahl's residual encoder and hypercolumn.
#include "models/dahl.h"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "layers/add.h"
#include "layers/bilinear_upsample.h"
#include "layers/hypercolumn.h"
#include "layers/neutral_rgb.h"
#include "layers/normalise_rgb.h"
#include "models/blocks.h"

namespace tinct {
namespace {

constexpr std::size_t kLastOfBlock[5] = {1, 3, 6, 9, 12};

void tap(Taps* taps, const std::string& name, const Value& v) {
  if (taps) taps->emplace_back(name, v.data());
}

// What both networks stand on.
struct Base {
  DahlConfig config;
  Vgg16 backbone;
  std::vector<ConvBlock> colours;  // from colour0, of the hypercolumn from colour1
  ConvBlock last;                  // chroma

  Align align() const { return config.exact ? Align::legacy : Align::half_pixel; }
  std::vector<Value> see(const Value& rgb, const Mode& mode, Taps* taps) const;
  Value chroma(const Value& x, const Mode& mode, Taps* taps) const;
  BatchNorm norm(std::size_t channels) const;
  ConvBlock block(std::size_t in, std::size_t out, std::size_t kernel, Initializer& init) const;
};

std::vector<Value> Base::see(const Value& rgb, const Mode& mode, Taps* taps) const {
  const VggTaps seen = config.exact ? backbone(rgb, mode, config.blocks)
                                    : backbone.of_grey(rgb, mode, config.blocks);
  for (std::size_t i = 0; i < config.blocks; ++i) tap(taps, kVggTapNames[i], seen[i]);
  return {seen.begin(), seen.begin() + static_cast<long>(config.blocks)};
}

Value Base::chroma(const Value& x, const Mode& mode, Taps* taps) const {
  Value y = last.norm(last.conv(x), mode, Activation::sigmoid);
  tap(taps, "chroma", y);
  return y;
}

BatchNorm Base::norm(std::size_t channels) const {
  BatchNorm norm = make_batch_norm(channels);
  norm.eps = 1e-3f;
  norm.unbiased_running_var = false;
  if (config.exact) norm.momentum = 0.01f;
  return norm;
}

ConvBlock Base::block(std::size_t in, std::size_t out, std::size_t kernel,
                      Initializer& init) const {
  return {make_conv2d(in, out, kernel, same_padding(kernel), /*with_bias=*/false, init), norm(out)};
}

//  stage    from                              to
//  colour4  norm(conv4_3), 1x1                256, 1/8
//  colour3  norm(conv3_3) + up(colour4)       128, 1/4
//  colour2  norm(conv2_2) + up(colour3)        64, 1/2
//  colour1  norm(conv1_2) + up(colour2)         3
//  colour0  grey - 1/2 + colour1                3
//  chroma   colour0, sigmoid                    2
struct Residual : Base {
  std::vector<BatchNorm> norms;  // of the taps, finest first

  Value answer(const Value& rgb, const std::vector<Value>& seen, const Mode& mode,
               Taps* taps) const;
  Parameters parameters() const;
};

// Grey around zero: RGB minus a half.
Value centred(const Value& rgb) {
  return normalise_rgb(rgb, {.shift = {-0.5f, -0.5f, -0.5f}});
}

Value Residual::answer(const Value& rgb, const std::vector<Value>& seen, const Mode& mode,
                       Taps* taps) const {
  Value y = colours[4](norms[3](seen[3], mode), mode);
  tap(taps, "colour4", y);
  for (std::size_t i = 3; i > 0; --i) {
    const Shape s = seen[i - 1].shape();
    y = add(norms[i - 1](seen[i - 1], mode), bilinear_upsample(y, s.h, s.w, align()));
    y = colours[i](y, mode);
    tap(taps, "colour" + std::to_string(i), y);
  }
  y = colours[0](add(centred(rgb), y), mode);
  tap(taps, "colour0", y);
  return chroma(y, mode, taps);
}

Parameters Residual::parameters() const {
  Parameters out;
  backbone.collect(out, "vgg");
  for (std::size_t i = 0; i < norms.size(); ++i) {
    norms[i].collect(out, "tap" + std::to_string(i + 1) + ".norm");
  }
  for (std::size_t i = colours.size(); i-- > 0;) {
    colours[i].collect(out, "colour" + std::to_string(i));
  }
  last.collect(out, "chroma");
  return out;
}

Residual make_residual(Base base, Initializer& init) {
  Residual net{std::move(base), {}};
  const std::size_t divisor = net.config.backbone.width_divisor;
  std::vector<std::size_t> widths = {3, 3};  // in and out of colour0, out of colour2, colour3, …
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t channels = vgg_channels(kLastOfBlock[i], divisor)[1];
    net.norms.push_back(net.norm(channels));
    widths.push_back(channels);
  }
  net.colours.push_back(net.block(3, 3, 3, init));
  for (std::size_t i = 1; i < 5; ++i) {
    net.colours.push_back(net.block(widths[i + 1], widths[i], i == 4 ? 1 : 3, init));
  }
  net.last = net.block(3, 2, 3, init);
  return net;
}

//  stage    from                                        to
//  colour1  grey, conv1_2, up(conv2_2), up(conv3_3), …  128 (the hypercolumn is not built)
//  colour2  colour1                                     64
//  colour3  colour2                                     3
//  chroma   colour3, sigmoid                            2
struct Hypercolumn : Base {
  Value answer(const Value& rgb, const std::vector<Value>& seen, const Mode& mode,
               Taps* taps) const;
  Parameters parameters() const;
};

Value Hypercolumn::answer(const Value& rgb, const std::vector<Value>& seen, const Mode& mode,
                          Taps* taps) const {
  std::vector<Value> maps = {rgb};
  maps.insert(maps.end(), seen.begin(), seen.end());
  Value y =
      hypercolumn_conv2d(maps, colours[0].conv.weight, {}, rgb.shape().h, rgb.shape().w, align());
  y = colours[0].norm(y, mode, Activation::relu);
  tap(taps, "colour1", y);
  for (std::size_t i = 1; i < colours.size(); ++i) {
    y = colours[i](y, mode);
    tap(taps, "colour" + std::to_string(i + 1), y);
  }
  return chroma(y, mode, taps);
}

Parameters Hypercolumn::parameters() const {
  Parameters out;
  backbone.collect(out, "vgg");
  for (std::size_t i = 0; i < colours.size(); ++i) {
    colours[i].collect(out, "colour" + std::to_string(i + 1));
  }
  last.collect(out, "chroma");
  return out;
}

Hypercolumn make_hypercolumn(Base base, Initializer& init) {
  Hypercolumn net{std::move(base)};
  const std::size_t divisor = net.config.backbone.width_divisor;
  std::size_t channels = 3;
  for (std::size_t i = 0; i < net.config.blocks; ++i) {
    channels += vgg_channels(kLastOfBlock[i], divisor)[1];
  }
  for (const std::size_t width : {128 / divisor, 64 / divisor, std::size_t{3}}) {
    net.colours.push_back(net.block(channels, width, net.config.kernel, init));
    channels = width;
  }
  net.last = net.block(3, 2, net.config.kernel, init);
  return net;
}

void check(const DahlConfig& c) {
  if (c.blocks != 4 && !(c.hypercolumn && c.blocks == 5)) {
    throw std::invalid_argument("make_dahl: " + std::to_string(c.blocks) +
                                " blocks of the backbone; 4, or for the hypercolumn 5, are right");
  }
  if (c.kernel != 3 && !(c.hypercolumn && c.kernel == 1)) {
    throw std::invalid_argument("make_dahl: a kernel of " + std::to_string(c.kernel) +
                                "; 3, or for the hypercolumn 1, are right");
  }
}

template <class Net>
void give(Model& model, Net net) {
  model.parameters = net.parameters();
  const auto shared = std::make_shared<const Net>(std::move(net));
  model.forward = [shared](const Value& x, const Mode& mode, Taps* taps) {
    const Value rgb = neutral_rgb(x);
    return shared->answer(rgb, shared->see(rgb, mode, taps), mode, taps);
  };
  if (shared->config.finetune) return;
  model.frozen = [shared](const Value& x) { return shared->see(neutral_rgb(x), Mode{}, nullptr); };
  model.forward_from = [shared](const Value& x, const std::vector<Value>& seen, const Mode& mode) {
    return shared->answer(neutral_rgb(x), seen, mode, nullptr);
  };
}

}  // namespace

Model make_dahl(const DahlConfig& config, std::uint64_t seed) {
  return make_dahl(config, seed, make_vgg16(config.backbone, seed));
}

Model make_dahl(const DahlConfig& config, std::uint64_t seed, Vgg16 backbone) {
  check(config);
  Base base{config, std::move(backbone), {}, {}};
  base.config.backbone = base.backbone.config;
  base.backbone.convolutions.resize(kLastOfBlock[config.blocks - 1] + 1);
  if (!base.backbone.norms.empty()) base.backbone.norms.resize(base.backbone.convolutions.size());
  if (!config.finetune) base.backbone.freeze();

  Model model;
  model.info.preset = config.preset;
  model.info.space = ChromaSpace::ycbcr;
  if (config.exact) model.info.grey = Grey::rgb_mean;
  model.info.multiple = std::size_t{1} << (config.blocks - 1);
  model.info.settings = backbone_settings(base.backbone.config);
  // The decoder draws from a seed of its own: the backbone's streams are numbered from 0 too.
  Initializer init(seed + 0x6461686c, InitScheme::truncated_normal, 0.01);
  if (config.hypercolumn) {
    give(model, make_hypercolumn(std::move(base), init));
  } else {
    give(model, make_residual(std::move(base), init));
  }
  return model;
}

}  // namespace tinct
