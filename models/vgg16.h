// VGG16 as a feature extractor, with and without batch norm.
//
// Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
// Recognition", ICLR 2015, configuration D.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/module.h"

namespace tinct {

/// What a file's weights want done to RGB in 0..1; named in its metadata as `preprocessing`.
enum class Preprocessing {
  caffe_bgr,    ///< "caffe-bgr": B, G, R in 0..255 minus 103.939, 116.779, 123.68
  torchvision,  ///< "torchvision": R, G, B minus .485, .456, .406, over .229, .224, .225
};
const char* to_string(Preprocessing preprocessing);
/// Throws std::invalid_argument for another name.
Preprocessing parse_preprocessing(const std::string& name);

struct Vgg16Config {
  bool batch_norm = false;  ///< "vgg16_bn": a batch norm (eps 1e-5) after every convolution
  Preprocessing preprocessing = Preprocessing::caffe_bgr;
  std::size_t width_divisor = 1;  ///< 64..512 channels divided by this, for small tests

  std::string arch() const { return batch_norm ? "vgg16_bn" : "vgg16"; }
};

inline constexpr std::size_t kVggConvolutions = 13;
inline constexpr std::size_t kVggSmallestSide = 16;  ///< four poolings come before conv5

/// "conv1_1" to "conv5_3".
std::string vgg_layer_name(std::size_t convolution);
/// Channels into and out of a convolution.
std::array<std::size_t, 2> vgg_channels(std::size_t convolution, std::size_t width_divisor);

/// The last convolution of each block after its ReLU: conv1_2 (n,h,w,64), conv2_2 (h/2, 128),
/// conv3_3 (h/4, 256), conv4_3 (h/8, 512), conv5_3 (h/16, 512); extents rounded down.
using VggTaps = std::array<Value, 5>;
inline constexpr std::array<const char*, 5> kVggTapNames = {"conv1_2", "conv2_2", "conv3_3",
                                                            "conv4_3", "conv5_3"};

struct Vgg16 {
  Vgg16Config config;
  std::vector<Conv2d> convolutions;
  std::vector<BatchNorm> norms;  ///< empty without batch norm
  /// Set by freeze(): nothing is recorded or saved, batch norms use their running statistics.
  bool frozen = false;

  /// rgb (n,h,w,3) in 0..1, prepared as the weights want it. Taps after the first `blocks` are left
  /// empty and not computed. Throws std::invalid_argument for another number of channels, for sides
  /// below 2^(blocks - 1) and for `blocks` outside 1..5.
  VggTaps operator()(const Value& rgb, const Mode& mode = {}, std::size_t blocks = 5) const;
  /// The same of a picture that is grey, rgb's three components being equal: where no gradient is
  /// wanted, the first convolution reads one plane of grey instead of three. What the preprocessing
  /// subtracts is the weight of a second plane that is 1 inside the picture and, like the padding,
  /// 0 outside; folded into the bias, as is usual, it would be wrong at the border.
  VggTaps of_grey(const Value& rgb, const Mode& mode = {}, std::size_t blocks = 5) const;
  /// "prefix.conv1_1.weight", "prefix.conv1_1.bias" and, with batch norm, "prefix.norm1_1.gamma"…;
  /// without a prefix, no dot. The prefix is what OptimizerOptions::lr_factors goes by.
  void collect(Parameters& out, const std::string& prefix = "") const;
  /// Weights that no gradient reaches from now on.
  void freeze();
};

/// Freshly drawn. Throws std::invalid_argument for a divisor that does not divide 64.
Vgg16 make_vgg16(const Vgg16Config& config, std::uint64_t seed,
                 InitScheme scheme = InitScheme::he_normal);

/// The configuration that a file's metadata describe: `arch_key` names the architecture. Throws
/// WeightsError for metadata that are missing or not understood.
Vgg16Config read_vgg16_config(const SafetensorsFile& file, const std::string& arch_key = "arch");
/// What read_vgg16_config(file, "backbone") understands.
Metadata backbone_settings(const Vgg16Config& config);
/// The architecture that a file's metadata name (`arch`), "" for a file that holds no backbone.
std::string backbone_arch(const SafetensorsFile& file);
/// Rebuilds the network that the file's metadata describe and fills it in. Throws WeightsError as
/// load_model does, and for metadata that are missing or not understood; IoError.
Vgg16 load_vgg16(const std::string& path);
/// Writes it; `extra` joins the metadata (origin, licence). Throws IoError.
void save_vgg16(const std::string& path, const Vgg16& net, const Metadata& extra = {});

}  // namespace tinct
