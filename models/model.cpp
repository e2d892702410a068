// The presets, and weights files that are checked whole.
#include "models/model.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "layers/ab_bins.h"
#include "models/dahl.h"
#include "models/ensemble.h"
#include "models/unet.h"
#include "models/vgg_unet.h"

namespace tinct {
namespace {

struct Preset {
  PresetInfo info;
  Model (*make)(std::uint64_t seed, const ModelOptions& options);
};

// The origin and the licence of a backbone's weights, which are handed on with the model.
void carry_origin(const std::string& path, Model& model) {
  const Metadata of_backbone = SafetensorsFile(path).metadata();
  for (const char* key : {"origin", "licence"}) {
    const auto found = of_backbone.find(key);
    if (found == of_backbone.end()) continue;
    model.info.settings[std::string("backbone_") + key] = found->second;
  }
}

Model vgg_unet(const std::string& preset, Head head, std::uint64_t seed, const ModelOptions& o) {
  VggUnetConfig config;
  config.preset = preset;
  config.backbone = o.backbone;
  config.blocks = o.blocks;
  config.stride = o.stride;
  config.widths = o.widths;
  config.members = o.members;
  config.dropout = o.dropout;
  config.finetune = o.finetune;
  config.head = head;
  if (head == Head::binned) config.bins = o.bins.defined() ? o.bins : zhang_bin_table();
  if (o.network) return make_vgg_unet(config, seed, *o.network);
  if (o.vgg16.empty()) {
    return make_vgg_unet(config, seed, make_vgg16(config.backbone, seed, o.backbone_init));
  }
  Model model = make_vgg_unet(config, seed, load_vgg16(o.vgg16));
  carry_origin(o.vgg16, model);
  return model;
}

Model dahl(DahlConfig config, std::uint64_t seed, const ModelOptions& o) {
  config.backbone = o.backbone;
  config.finetune = o.finetune;
  if (o.vgg16.empty()) {
    return make_dahl(config, seed, make_vgg16(config.backbone, seed, o.backbone_init));
  }
  Model model = make_dahl(config, seed, load_vgg16(o.vgg16));
  carry_origin(o.vgg16, model);
  return model;
}

// The published systems join here, one line each.
const std::vector<Preset>& preset_table() {
  static const std::vector<Preset> table = {
      {{"unet-small", "U-Net, 2.0 M parameters, predicts ab at half resolution"},
       [](std::uint64_t seed, const ModelOptions&) {
         return make_unet({.preset = "unet-small", .bins = {}}, seed);
       }},
      {{"unet-small-bins", "the same network predicting a distribution over 313 ab bins"},
       [](std::uint64_t seed, const ModelOptions&) {
         return make_unet(
             {.preset = "unet-small-bins", .head = Head::binned, .bins = zhang_bin_table()}, seed);
       }},
      {{"vgg-unet", "VGG16's taps and a light decoder, predicts ab at quarter resolution", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return vgg_unet("vgg-unet", Head::regression, seed, options);
       }},
      {{"vgg-unet-bins", "the same network predicting a distribution over ab bins", true, true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return vgg_unet("vgg-unet-bins", Head::binned, seed, options);
       }},
      {{"dahl-residual-exact", "Dahl's residual encoder, 2016, bug for bug; predicts CbCr", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return dahl({.preset = "dahl-residual-exact", .backbone = {}, .exact = true}, seed,
                     options);
       }},
      {{"dahl-residual", "the same network, with the defects of its code mended", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return dahl({.preset = "dahl-residual", .backbone = {}}, seed, options);
       }},
      {{"dahl-hypercolumn", "Dahl's hypercolumn of 963 channels under 3x3 convolutions", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return dahl({.preset = "dahl-hypercolumn", .backbone = {}, .hypercolumn = true}, seed,
                     options);
       }},
      {{"dahl-hypercolumn-1x1", "the same under 1x1 convolutions", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return dahl(
             {.preset = "dahl-hypercolumn-1x1", .backbone = {}, .hypercolumn = true, .kernel = 1},
             seed, options);
       }},
      {{"dahl-hypercolumn-five", "the same with VGG16's fifth tap, 1475 channels, and 3x3", true},
       [](std::uint64_t seed, const ModelOptions& options) {
         return dahl(
             {.preset = "dahl-hypercolumn-five", .backbone = {}, .hypercolumn = true, .blocks = 5},
             seed, options);
       }},
  };
  return table;
}

const Preset& preset_named(const std::string& name) {
  std::string known;
  for (const Preset& p : preset_table()) {
    if (p.info.name == name) return p;
    known += (known.empty() ? "" : ", ") + p.info.name;
  }
  throw std::invalid_argument("there is no preset \"" + name + "\"; there are: " + known);
}

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& key,
                         const std::string& value, const std::string& what) {
  throw WeightsError(file.path() + ": " + key + " \"" + value + "\" " + what);
}

float read_factor(const SafetensorsFile& file, const std::string& key, float absent,
                  float most = 10) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return absent;
  char* end = nullptr;
  const float value = std::strtof(found->second.c_str(), &end);
  if (end == found->second.c_str() || *end != 0 || !(value > 0 && value <= most)) {
    refuse(file, key, found->second, "is not in 0.." + std::to_string(std::lround(most)));
  }
  return value;
}

// Whole numbers below 10000, separated by commas; empty for an absent key.
std::vector<std::size_t> read_numbers(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return {};
  std::vector<std::size_t> numbers;
  const char* at = found->second.data();
  const char* end = at + found->second.size();
  while (true) {
    std::size_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || number >= 10000) break;
    numbers.push_back(number);
    if (next == end) return numbers;
    if (*next != ',') break;
    at = next + 1;
  }
  refuse(file, key, found->second, "are no whole numbers");
}

// What ModelInfo::settings and the bins say, back as options; `part` stands before their names.
ModelOptions read_options(const SafetensorsFile& file, const PresetInfo& preset,
                          const std::string& part = "") {
  ModelOptions options;
  options.finetune = true;  // nothing is frozen in a finished model
  options.backbone_init = InitScheme::zeros;
  const auto number = [&](const char* key, std::size_t& target) {
    const std::vector<std::size_t> numbers = read_numbers(file, part + key);
    if (numbers.size() == 1) target = numbers[0];
  };
  if (preset.backbone) {
    number("blocks", options.blocks);
    number("stride", options.stride);
    number("members", options.members);
    const std::vector<std::size_t> widths = read_numbers(file, part + "widths");
    if (!widths.empty() && widths.size() != options.widths.size()) {
      refuse(file, part + "widths", file.metadata().at(part + "widths"), "are not five numbers");
    }
    std::copy(widths.begin(), widths.end(), options.widths.begin());
    options.backbone = read_vgg16_config(file, "backbone");
  }
  const std::string bins = part + "head.bins";
  if (preset.bins_of_data && file.find(bins)) options.bins = file.load(bins);
  return options;
}

// The parts of a merged model (models/ensemble.h), on one backbone.
Model read_ensemble(const SafetensorsFile& file) {
  const std::vector<std::size_t> count = read_numbers(file, "parts");
  if (count.size() != 1 || count[0] < 2 || count[0] > 16) {
    throw WeightsError(file.path() + ": an ensemble has 2 to 16 parts, and says so");
  }
  const auto backbone = std::make_shared<const Vgg16>(
      make_vgg16(read_vgg16_config(file, "backbone"), 0, InitScheme::zeros));
  std::vector<Model> parts;
  for (std::size_t i = 0; i < count[0]; ++i) {
    const std::string part = part_prefix(i);
    const auto name = file.metadata().find(part + "preset");
    if (name == file.metadata().end()) {
      throw WeightsError(file.path() + ": its metadata name no " + part + "preset");
    }
    ModelOptions options = read_options(file, find_preset(name->second), part);
    options.finetune = false;
    options.network = backbone;
    parts.push_back(make_model(name->second, 0, options));
    ModelInfo& info = parts.back().info;
    info.temperature = read_factor(file, part + "temperature", info.temperature);
  }
  return make_ensemble(std::move(parts));
}

}  // namespace

const std::vector<PresetInfo>& presets() {
  static const std::vector<PresetInfo> list = [] {
    std::vector<PresetInfo> out;
    for (const Preset& p : preset_table()) out.push_back(p.info);
    return out;
  }();
  return list;
}

const PresetInfo& find_preset(const std::string& name) {
  return preset_named(name).info;
}

Model make_model(const std::string& preset, std::uint64_t seed, const ModelOptions& options) {
  return preset_named(preset).make(seed, options);
}

Device device_of(const Model& model) {
  return model.parameters.empty() ? Device::cpu : model.parameters.front().value.device();
}

void move_to(const Parameters& parameters, Device device) {
  for (const Parameter& p : parameters) {
    Value value = p.value;
    value.mutable_data() = value.data().to(device);
    value.clear_grad();
  }
}

Metadata describe(const Model& model) {
  const bool regression = model.info.head == Head::regression;
  const bool ycbcr = regression && model.info.space == ChromaSpace::ycbcr;
  Metadata metadata = {
      {"format", "tinct"},
      {"format_version", "1"},
      {"preset", model.info.preset},
      {"head", regression ? "regression" : "binned"},
      {"input", "CIELAB L (D65), scaled to (L - 50) / 50"},
      {"output", ycbcr        ? "JPEG Cb and Cr in 0..1, neutral at 128/255"
                 : regression ? "CIELAB ab / 110"
                              : "logits over " + std::to_string(model.info.bins.shape().w) +
                                    " bins of CIELAB ab"},
      {"chroma_gain", std::to_string(model.info.chroma_gain)},
      {"layout", "activations NHWC, convolution weights (out,kh,kw,in)"}};
  if (model.info.chroma_lift > 0) {
    metadata["chroma_lift"] = std::to_string(model.info.chroma_lift);
  }
  if (model.info.grey == Grey::rgb_mean) metadata["grey"] = "(R + G + B) / 3 of sRGB";
  if (!regression) metadata["temperature"] = std::to_string(model.info.temperature);
  if (model.info.train_colourfulness > 0) {
    metadata["train_colourfulness"] = std::to_string(model.info.train_colourfulness);
  }
  metadata.insert(model.info.settings.begin(), model.info.settings.end());
  return metadata;
}

void save_model(const std::string& path, const Model& model, const Metadata& extra,
                Storage storage) {
  Metadata metadata = describe(model);
  for (const auto& [key, value] : extra) metadata[key] = value;
  if (storage != Storage::f32) metadata["storage"] = to_string(storage);
  write_stored(path, model.parameters, metadata, storage);
}

Model load_model(const std::string& path) {
  const SafetensorsFile file(path);
  const auto preset = file.metadata().find("preset");
  if (preset == file.metadata().end()) {
    const auto arch = file.metadata().find("arch");
    if (arch != file.metadata().end()) {
      throw WeightsError(path + ": holds the backbone " + arch->second + ", not a colorizer");
    }
    throw WeightsError(path + ": its metadata name no preset: not weights that tinct wrote");
  }
  Model model;
  try {
    model = preset->second == kEnsemble
                ? read_ensemble(file)
                : make_model(preset->second, 0, read_options(file, find_preset(preset->second)));
  } catch (const std::invalid_argument& e) {
    throw WeightsError(path + ": " + e.what());
  }
  model.info.chroma_gain = read_factor(file, "chroma_gain", model.info.chroma_gain);
  model.info.chroma_lift = read_factor(file, "chroma_lift", 0, 100);
  model.info.temperature = read_factor(file, "temperature", model.info.temperature);
  model.info.train_colourfulness = read_factor(file, "train_colourfulness", 0, 1000);
  load_parameters(file, model);
  return model;
}

void load_parameters(const SafetensorsFile& file, Model& model) {
  load_parameters(file, model.parameters, "preset " + model.info.preset);
  for (const Parameter& p : model.parameters) {  // the logits mean what the file's bins say
    if (p.name != "head.bins") continue;
    const Tensor bins = p.value.data().to(Device::cpu);
    if (!std::equal(bins.f32(), bins.f32() + bins.size(), model.info.bins.f32())) {
      throw WeightsError(file.path() + ": its head was trained on other bins than " +
                         model.info.preset + " has here");
    }
  }
}

void load_parameters(const SafetensorsFile& file, const Parameters& parameters,
                     const std::string& network) {
  std::set<std::string> expected;
  for (const Parameter& p : parameters) {
    expected.insert(p.name);
    if (!file.find(p.name)) {
      throw WeightsError(file.path() + ": tensor \"" + p.name + "\" of " + network + " is missing");
    }
    const Tensor t = load_stored(file, p.name);
    if (file.find(p.name)->dtype == "I8") {
      if (!file.find(scale_name(p.name))) {
        throw WeightsError(file.path() + ": tensor \"" + p.name + "\" of 8 bits has no scales");
      }
      expected.insert(scale_name(p.name));
    }
    if (t.dtype() != DType::f32 || t.size() != p.value.data().size() ||
        (t.shape() != p.value.shape() && t.shape().size() != t.shape().c)) {
      throw WeightsError(file.path() + ": tensor \"" + p.name + "\" is " + to_string(t.shape()) +
                         ", " + network + " wants " + to_string(p.value.shape()));
    }
    const float* v = t.f32();
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (!std::isfinite(v[i])) {
        throw WeightsError(file.path() + ": tensor \"" + p.name + "\" holds a value that is not " +
                           "finite, at element " + std::to_string(i));
      }
    }
    Value(p.value).mutable_data() = t.reshaped(p.value.shape()).to(p.value.device());
  }
  for (const TensorEntry& e : file.entries()) {
    if (!expected.contains(e.name)) {
      throw WeightsError(file.path() + ": tensor \"" + e.name + "\" has no place in " + network);
    }
  }
}

}  // namespace tinct
