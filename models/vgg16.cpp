// VGG16: thirteen 3x3 convolutions in five blocks, and its weights files.
#include "models/vgg16.h"

#include <stdexcept>

#include "core/error.h"
#include "layers/max_pool.h"
#include "layers/normalise_rgb.h"
#include "models/model.h"

namespace tinct {
namespace {

constexpr std::size_t kBlockSizes[5] = {2, 2, 3, 3, 3};
constexpr std::size_t kBlockWidths[5] = {64, 128, 256, 512, 512};

struct Place {
  std::size_t block, index;
};

Place place_of(std::size_t convolution) {
  Place place{0, convolution};
  while (place.block < 5 && place.index >= kBlockSizes[place.block]) {
    place.index -= kBlockSizes[place.block++];
  }
  if (place.block == 5) throw std::invalid_argument("vgg16: there are 13 convolutions");
  return place;
}

RgbNormalisation normalisation(Preprocessing preprocessing) {
  if (preprocessing == Preprocessing::caffe_bgr) {
    return {{2, 1, 0}, {255, 255, 255}, {-103.939f, -116.779f, -123.68f}};
  }
  RgbNormalisation out;
  const double mean[3] = {0.485, 0.456, 0.406};
  const double deviation[3] = {0.229, 0.224, 0.225};
  for (std::size_t k = 0; k < 3; ++k) {
    out.scale[k] = static_cast<float>(1 / deviation[k]);
    out.shift[k] = static_cast<float>(-mean[k] / deviation[k]);
  }
  return out;
}

std::string required(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    throw WeightsError(file.path() + ": its metadata have no " + key);
  }
  return found->second;
}

}  // namespace

const char* to_string(Preprocessing preprocessing) {
  return preprocessing == Preprocessing::caffe_bgr ? "caffe-bgr" : "torchvision";
}

Preprocessing parse_preprocessing(const std::string& name) {
  if (name == "caffe-bgr") return Preprocessing::caffe_bgr;
  if (name == "torchvision") return Preprocessing::torchvision;
  throw std::invalid_argument("there is no preprocessing \"" + name +
                              "\"; there are: caffe-bgr, torchvision");
}

std::string vgg_layer_name(std::size_t convolution) {
  const Place place = place_of(convolution);
  return "conv" + std::to_string(place.block + 1) + "_" + std::to_string(place.index + 1);
}

std::array<std::size_t, 2> vgg_channels(std::size_t convolution, std::size_t width_divisor) {
  const Place place = place_of(convolution);
  const std::size_t out = kBlockWidths[place.block] / width_divisor;
  if (convolution == 0) return {3, out};
  return {place.index > 0 ? out : kBlockWidths[place.block - 1] / width_divisor, out};
}

namespace {

void check_input(const Shape& s, std::size_t blocks) {
  const std::size_t smallest = std::size_t{1} << (blocks == 0 ? 0 : blocks - 1);
  if (blocks < 1 || blocks > 5 || s.c != 3 || s.h < smallest || s.w < smallest) {
    throw std::invalid_argument("vgg16: input " + to_string(s) + " for " + std::to_string(blocks) +
                                " blocks; (n,h,w,3) with sides of at least " +
                                std::to_string(smallest) + " and 1 to 5 blocks are right");
  }
}

// All taps, given the picture as `first`, conv1_1, reads it.
VggTaps run(const Vgg16& net, Value x, const Conv2d& first, const Mode& mode, std::size_t blocks) {
  Mode own = mode;
  if (net.frozen) own.training = false;
  VggTaps taps;
  for (std::size_t block = 0, i = 0; block < blocks; ++block) {
    if (block > 0) x = max_pool(x);
    for (const std::size_t end = i + kBlockSizes[block]; i < end; ++i) {
      x = (i == 0 ? first : net.convolutions[i])(x);
      if (net.config.batch_norm) x = net.norms[i](x, own, Activation::relu);
    }
    taps[block] = x;
  }
  return taps;
}

// conv1_1 on two planes: grey in 0..1, and 1.
Conv2d fold_grey(const Conv2d& conv, const RgbNormalisation& normalisation) {
  const Tensor& w = conv.weight.data();
  const Shape s = w.shape();
  Tensor folded({s.n, s.h, s.w, 2});
  for (std::size_t i = 0; i < w.size() / 3; ++i) {
    double grey = 0, one = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      grey += double{w.f32()[3 * i + k]} * normalisation.scale[k];
      one += double{w.f32()[3 * i + k]} * normalisation.shift[k];
    }
    folded.f32()[2 * i] = static_cast<float>(grey);
    folded.f32()[2 * i + 1] = static_cast<float>(one);
  }
  return {Value(folded), conv.bias, conv.options};
}

}  // namespace

VggTaps Vgg16::operator()(const Value& rgb, const Mode& mode, std::size_t blocks) const {
  check_input(rgb.shape(), blocks);
  return run(*this, normalise_rgb(rgb, normalisation(config.preprocessing)), convolutions[0], mode,
             blocks);
}

VggTaps Vgg16::of_grey(const Value& rgb, const Mode& mode, std::size_t blocks) const {
  const Conv2d& first = convolutions[0];
  // Folded on the host alone: elsewhere the third of one convolution is not worth a kernel.
  if (rgb.device() != Device::cpu || needs_grad({&rgb, &first.weight, &first.bias})) {
    return (*this)(rgb, mode, blocks);
  }
  const Shape s = rgb.shape();
  check_input(s, blocks);
  Tensor planes({s.n, s.h, s.w, 2});
  for (std::size_t i = 0; i < s.pixels(); ++i) {
    planes.f32()[2 * i] = rgb.data().f32()[3 * i];
    planes.f32()[2 * i + 1] = 1;
  }
  return run(*this, Value(planes), fold_grey(first, normalisation(config.preprocessing)), mode,
             blocks);
}

void Vgg16::collect(Parameters& out, const std::string& prefix) const {
  const std::string dotted = prefix.empty() ? "" : prefix + ".";
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    const std::string name = vgg_layer_name(i);
    convolutions[i].collect(out, dotted + name);
    if (config.batch_norm) norms[i].collect(out, dotted + "norm" + name.substr(4));
  }
}

void Vgg16::freeze() {
  Parameters parameters;
  collect(parameters);
  for (Parameter& p : parameters) p.value.set_requires_grad(false);
  frozen = true;
}

Vgg16 make_vgg16(const Vgg16Config& config, std::uint64_t seed, InitScheme scheme) {
  if (config.width_divisor == 0 || 64 % config.width_divisor != 0) {
    throw std::invalid_argument("make_vgg16: a width divisor of " +
                                std::to_string(config.width_divisor) + " does not divide 64");
  }
  Initializer init(seed, scheme);
  Vgg16 net;
  net.config = config;
  for (std::size_t i = 0; i < kVggConvolutions; ++i) {
    const auto [in, out] = vgg_channels(i, config.width_divisor);
    Conv2dOptions options = same_padding(3);
    if (!config.batch_norm) options.activation = Activation::relu;
    net.convolutions.push_back(make_conv2d(in, out, 3, options, /*with_bias=*/true, init));
    if (config.batch_norm) net.norms.push_back(make_batch_norm(out));
  }
  return net;
}

Vgg16Config read_vgg16_config(const SafetensorsFile& file, const std::string& arch_key) {
  Vgg16Config config;
  const std::string arch = required(file, arch_key);
  if (arch != "vgg16" && arch != "vgg16_bn") {
    throw WeightsError(file.path() + ": there is no backbone \"" + arch + "\"");
  }
  config.batch_norm = arch == "vgg16_bn";
  try {
    config.preprocessing = parse_preprocessing(required(file, "preprocessing"));
  } catch (const std::invalid_argument& e) {
    throw WeightsError(file.path() + ": " + e.what());
  }
  const auto divisor = file.metadata().find("width_divisor");
  if (divisor != file.metadata().end()) {
    for (config.width_divisor = 64; config.width_divisor > 0; config.width_divisor /= 2) {
      if (std::to_string(config.width_divisor) == divisor->second) return config;
    }
    throw WeightsError(file.path() + ": width_divisor \"" + divisor->second +
                       "\" is no power of two up to 64");
  }
  return config;
}

Metadata backbone_settings(const Vgg16Config& config) {
  return {{"backbone", config.arch()},
          {"preprocessing", to_string(config.preprocessing)},
          {"width_divisor", std::to_string(config.width_divisor)}};
}

std::string backbone_arch(const SafetensorsFile& file) {
  const auto found = file.metadata().find("arch");
  return found == file.metadata().end() ? "" : found->second;
}

Vgg16 load_vgg16(const std::string& path) {
  const SafetensorsFile file(path);
  Vgg16 net = make_vgg16(read_vgg16_config(file), 0, InitScheme::zeros);
  Parameters parameters;
  net.collect(parameters);
  load_parameters(file, parameters, net.config.arch());
  return net;
}

void save_vgg16(const std::string& path, const Vgg16& net, const Metadata& extra) {
  Parameters parameters;
  net.collect(parameters);
  NamedTensors tensors;
  for (const Parameter& p : parameters) tensors.emplace_back(p.name, p.value.data());
  Metadata metadata = {{"format", "tinct"},
                       {"format_version", "1"},
                       {"arch", net.config.arch()},
                       {"preprocessing", to_string(net.config.preprocessing)},
                       {"width_divisor", std::to_string(net.config.width_divisor)},
                       {"input", "sRGB in 0..1; the preprocessing is applied by tinct"},
                       {"layout", "activations NHWC, convolution weights (out,kh,kw,in)"}};
  for (const auto& [key, value] : extra) metadata[key] = value;
  write_safetensors(path, tensors, metadata);
}

}  // namespace tinct
