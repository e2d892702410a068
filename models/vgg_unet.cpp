// VGG16's taps and a light decoder.
#include "models/vgg_unet.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "layers/add.h"
#include "layers/average_pool.h"
#include "layers/bilinear_upsample.h"
#include "layers/concat.h"
#include "layers/dropout.h"
#include "layers/neutral_rgb.h"
#include "layers/scale.h"
#include "layers/stack.h"
#include "models/blocks.h"

namespace tinct {
namespace {

// A tap as the decoder takes it. VGG's activations are in the hundreds: the batch norm comes first.
struct Reader {
  BatchNorm norm;
  ConvBlock project;

  Value operator()(const Value& tap, float rate, const Mode& mode, std::uint64_t level) const {
    return project(channel_dropout(norm(tap, mode), rate, mode, level), mode);
  }
  void collect(Parameters& out, const std::string& prefix) const {
    norm.collect(out, prefix + ".norm");
    project.collect(out, prefix + ".project");
  }
};

//  stage      from                                              to     size
//  tap i      backbone's block i: norm, dropout, 1x1 block      w_i    1/2^(i-1)
//  context    mean of the coarsest tap                          w      broadcast
//  stage i    up(stage i+1), tap i: 3x3 block                   w_i    1/2^(i-1)
//             … at the finest also the finer taps, averaged
//             down, and the lightness itself, a block a pixel
//  head       the finest stage                                  2 or q 1/stride
struct Decoder {
  std::array<std::optional<Reader>, 5> readers;
  GlobalContext context;
  std::array<std::optional<ConvBlock>, 5> stages;
  Conv2d head;

  void collect(Parameters& out, const std::string& prefix) const;
};

void Decoder::collect(Parameters& out, const std::string& prefix) const {
  for (std::size_t level = 0; level < 5; ++level) {
    if (readers[level]) readers[level]->collect(out, prefix + "tap" + std::to_string(level + 1));
  }
  context.collect(out, prefix + "context");
  for (std::size_t level = 5; level-- > 0;) {
    if (stages[level]) stages[level]->collect(out, prefix + "decoder" + std::to_string(level + 1));
  }
  head.collect(out, prefix + "head");
}

// The backbone sees the grey RGB of the lightness: 5 taps at 1 to 1/16 of the size. Every member
// decodes them by itself. In training their answers stand one after another along the batch, each
// with a loss of its own; afterwards the answer is their mean.
struct VggUnet {
  VggUnetConfig config;
  std::size_t coarsest = 4, finest = 2;  // levels: 0 is the first tap
  Vgg16 backbone;
  std::vector<Decoder> members;

  std::vector<Value> see(const Value& x, const Mode& mode, Taps* taps) const;
  Value decode(std::size_t member, const Value& x, const std::vector<Value>& seen, const Mode& mode,
               Taps* taps) const;
  Value answer(const Value& x, const std::vector<Value>& seen, const Mode& mode, Taps* taps) const;
  Parameters parameters() const;
};

// Names of a member's parameters and taps: nothing before them where it is alone.
std::string prefix_of(std::size_t member, std::size_t members) {
  return members == 1 ? "" : "member" + std::to_string(member + 1) + ".";
}

void tap(Taps* taps, const std::string& name, const Value& v) {
  if (taps) taps->emplace_back(name, v.data());
}

Value shrink(const Value& x, std::size_t factor) {
  if (factor == 1) return x;
  PoolWindow window;
  window.kh = window.kw = window.stride_h = window.stride_w = factor;
  return average_pool(x, window);
}

// The taps that are read, at the size at which they are.
std::vector<Value> VggUnet::see(const Value& x, const Mode& mode, Taps* taps) const {
  const VggTaps all = backbone(neutral_rgb(x), mode, config.blocks);
  std::vector<Value> seen(all.size());
  for (std::size_t level = 0; level <= coarsest; ++level) {
    tap(taps, kVggTapNames[level], all[level]);
    const std::size_t factor = level < finest ? std::size_t{1} << (finest - level) : 1;
    if (members[0].readers[level]) seen[level] = shrink(all[level], factor);
  }
  return seen;
}

Value VggUnet::decode(std::size_t member, const Value& x, const std::vector<Value>& seen,
                      const Mode& mode, Taps* taps) const {
  const Decoder& d = members[member];
  const std::string prefix = prefix_of(member, members.size());
  const auto read = [&](std::size_t level) {
    return (*d.readers[level])(seen[level], config.dropout, mode, 5 * member + level);
  };
  Value y = d.context(read(coarsest));
  tap(taps, prefix + "context", y);
  y = (*d.stages[coarsest])(y, mode);
  tap(taps, prefix + "decoder" + std::to_string(coarsest + 1), y);
  for (std::size_t level = coarsest; level-- > finest;) {
    const Shape s = seen[level].shape();
    std::vector<Value> parts = {bilinear_upsample(y, s.h, s.w), read(level)};
    if (level == finest) {
      for (std::size_t finer = 0; finer < finest; ++finer) {
        if (d.readers[finer]) parts.push_back(read(finer));
      }
      parts.push_back(space_to_depth(x, config.stride));
    }
    y = (*d.stages[level])(concat(parts), mode);
    tap(taps, prefix + "decoder" + std::to_string(level + 1), y);
  }
  y = d.head(y);
  tap(taps, prefix + "head", y);
  return y;
}

Value VggUnet::answer(const Value& x, const std::vector<Value>& seen, const Mode& mode,
                      Taps* taps) const {
  std::vector<Value> answers;
  for (std::size_t member = 0; member < members.size(); ++member) {
    answers.push_back(decode(member, x, seen, mode, taps));
  }
  Value y = answers[0];
  if (answers.size() > 1 && mode.training) {
    y = stack(answers);
  } else if (answers.size() > 1) {
    for (std::size_t member = 1; member < answers.size(); ++member) y = add(y, answers[member]);
    y = scale(y, 1.0f / static_cast<float>(answers.size()));
  }
  if (config.head == Head::binned) return y;
  return bilinear_upsample(y, x.shape().h, x.shape().w);
}

Parameters VggUnet::parameters() const {
  Parameters out;
  backbone.collect(out, "vgg");
  for (std::size_t member = 0; member < members.size(); ++member) {
    members[member].collect(out, prefix_of(member, members.size()));
  }
  if (config.head == Head::binned) out.push_back({"head.bins", Value(config.bins), true});
  return out;
}

void check(const VggUnetConfig& c) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument("make_vgg_unet: " + what);
  };
  require(c.blocks == 4 || c.blocks == 5,
          "4 or 5 blocks can be used, not " + std::to_string(c.blocks));
  require(c.stride == 1 || c.stride == 2 || c.stride == 4,
          "chroma is predicted at a stride of 1, 2 or 4, not " + std::to_string(c.stride));
  require(c.dropout >= 0 && c.dropout < 1, "dropout is not in [0, 1)");
  require(c.members >= 1 && c.members <= 64,
          std::to_string(c.members) + " members; there can be 1 to 64");
  for (std::size_t level = 0; level < c.blocks; ++level) {
    const bool wanted = std::size_t{1} << level >= c.stride;
    require(c.widths[level] <= 4096 && (c.widths[level] > 0 || !wanted),
            std::to_string(c.widths[level]) + " channels from " + kVggTapNames[level]);
  }
  require(c.widths[c.blocks - 1] >= 2, "the coarsest tap needs two channels");
  if (c.head == Head::binned) {
    const Shape b = c.bins.shape();
    require(c.bins.defined() && c.bins.dtype() == DType::f32 && b.n * b.h == 1 && b.c == 2,
            "a binned head needs its bins, (1,1,q,2)");
  }
}

Metadata settings_of(const VggUnetConfig& c) {
  std::string widths;
  for (const std::size_t width : c.widths) {
    widths += (widths.empty() ? "" : ",") + std::to_string(width);
  }
  return {{"backbone", c.backbone.arch()},
          {"preprocessing", to_string(c.backbone.preprocessing)},
          {"width_divisor", std::to_string(c.backbone.width_divisor)},
          {"blocks", std::to_string(c.blocks)},
          {"stride", std::to_string(c.stride)},
          {"members", std::to_string(c.members)},
          {"widths", widths}};
}

// Weights are drawn at a fraction of He's size: Adam's steps then turn them faster, and the context
// starts small.
Decoder make_decoder(const VggUnet& net, Initializer& init) {
  const VggUnetConfig& config = net.config;
  const std::array<std::size_t, 5>& widths = config.widths;
  Decoder decoder;
  init.set_scheme(InitScheme::fan_in_uniform);
  std::size_t finer = config.stride * config.stride;  // channels that join at the finest level
  for (std::size_t level = net.coarsest + 1; level-- > 0;) {
    if (widths[level] == 0) continue;
    constexpr std::size_t last[5] = {1, 3, 6, 9, 12};
    const std::size_t channels = vgg_channels(last[level], config.backbone.width_divisor)[1];
    decoder.readers[level] =
        Reader{make_batch_norm(channels), make_conv_block(channels, widths[level], 1, 1, init)};
    if (level < net.finest) finer += widths[level];
  }
  decoder.context = make_global_context(widths[net.coarsest], init);
  for (std::size_t level = net.coarsest + 1; level-- > net.finest;) {
    std::size_t in = widths[level];
    if (level < net.coarsest) in += widths[level + 1];
    if (level == net.finest) in += finer;
    decoder.stages[level] = make_conv_block(in, widths[level], 3, 1, init);
  }
  const bool binned = config.head == Head::binned;
  const std::size_t kernel = binned ? 1 : 3;
  init.set_scheme(InitScheme::normal, 0.01);  // training starts from grey
  decoder.head = make_conv2d(widths[net.finest], binned ? config.bins.shape().w : 2, kernel,
                             same_padding(kernel), /*with_bias=*/true, init);
  return decoder;
}

}  // namespace

Model make_vgg_unet(const VggUnetConfig& config, std::uint64_t seed) {
  return make_vgg_unet(config, seed, make_vgg16(config.backbone, seed));
}

Model make_vgg_unet(const VggUnetConfig& config, std::uint64_t seed, Vgg16 backbone) {
  check(config);
  VggUnet net;
  net.config = config;
  net.config.backbone = backbone.config;
  net.backbone = std::move(backbone);
  if (!config.finetune) net.backbone.freeze();
  net.coarsest = config.blocks - 1;
  net.finest = config.stride / 2;  // 1, 2, 4 -> 0, 1, 2

  // The decoders draw from a seed of their own: the backbone's streams are numbered from 0 too.
  Initializer init(seed + 0x76676775);
  for (std::size_t member = 0; member < config.members; ++member) {
    net.members.push_back(make_decoder(net, init));
  }

  Model model;
  model.info.preset = config.preset;
  model.info.head = config.head;
  model.info.multiple = std::size_t{1} << net.coarsest;
  model.info.head_stride = config.head == Head::binned ? config.stride : 1;
  if (config.head == Head::binned) model.info.bins = config.bins;
  model.info.settings = settings_of(net.config);
  model.parameters = net.parameters();
  const auto shared = std::make_shared<const VggUnet>(std::move(net));
  model.forward = [shared](const Value& x, const Mode& mode, Taps* taps) {
    return shared->answer(x, shared->see(x, mode, taps), mode, taps);
  };
  if (config.finetune) return model;
  model.frozen = [shared](const Value& x) { return shared->see(x, Mode{}, nullptr); };
  model.forward_from = [shared](const Value& x, const std::vector<Value>& seen, const Mode& mode) {
    return shared->answer(x, seen, mode, nullptr);
  };
  return model;
}

}  // namespace tinct
