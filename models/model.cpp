// The presets, and weights files that are checked whole.
#include "models/model.h"

#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "layers/ab_bins.h"
#include "models/unet.h"

namespace tinct {
namespace {

struct Preset {
  PresetInfo info;
  Model (*make)(std::uint64_t seed);
};

// VGG16 and the published systems join here, one line each.
const std::vector<Preset>& preset_table() {
  static const std::vector<Preset> table = {
      {{"unet-small", "U-Net, 2.0 M parameters, predicts ab at half resolution"},
       [](std::uint64_t seed) { return make_unet({.preset = "unet-small", .bins = {}}, seed); }},
      {{"unet-small-bins", "the same network predicting a distribution over 313 ab bins"},
       [](std::uint64_t seed) {
         return make_unet(
             {.preset = "unet-small-bins", .head = Head::binned, .bins = zhang_bin_table()}, seed);
       }},
  };
  return table;
}

float read_gain(const SafetensorsFile& file) {
  const auto found = file.metadata().find("chroma_gain");
  if (found == file.metadata().end()) return 1;
  char* end = nullptr;
  const float gain = std::strtof(found->second.c_str(), &end);
  if (end == found->second.c_str() || *end != 0 || !(gain > 0 && gain <= 10)) {
    throw WeightsError(file.path() + ": chroma_gain \"" + found->second + "\" is not in 0..10");
  }
  return gain;
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

Model make_model(const std::string& preset, std::uint64_t seed) {
  std::string known;
  for (const Preset& p : preset_table()) {
    if (p.info.name == preset) return p.make(seed);
    known += (known.empty() ? "" : ", ") + p.info.name;
  }
  throw std::invalid_argument("there is no preset \"" + preset + "\"; there are: " + known);
}

Metadata describe(const Model& model) {
  return {{"format", "tinct"},
          {"format_version", "1"},
          {"preset", model.info.preset},
          {"head", model.info.head == Head::regression ? "regression" : "binned"},
          {"input", "CIELAB L (D65), scaled to (L - 50) / 50"},
          {"output", model.info.head == Head::regression
                         ? "CIELAB ab / 110"
                         : "logits over the 313 ab bins of Zhang et al."},
          {"chroma_gain", std::to_string(model.info.chroma_gain)},
          {"layout", "activations NHWC, convolution weights (out,kh,kw,in)"}};
}

void save_model(const std::string& path, const Model& model, const Metadata& extra) {
  NamedTensors tensors;
  for (const Parameter& p : model.parameters) tensors.emplace_back(p.name, p.value.data());
  Metadata metadata = describe(model);
  for (const auto& [key, value] : extra) metadata[key] = value;
  write_safetensors(path, tensors, metadata);
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
    model = make_model(preset->second, 0);
  } catch (const std::invalid_argument& e) {
    throw WeightsError(path + ": " + e.what());
  }
  model.info.chroma_gain = read_gain(file);
  load_parameters(file, model);
  return model;
}

void load_parameters(const SafetensorsFile& file, Model& model) {
  load_parameters(file, model.parameters, "preset " + model.info.preset);
}

void load_parameters(const SafetensorsFile& file, const Parameters& parameters,
                     const std::string& network) {
  std::set<std::string> expected;
  for (const Parameter& p : parameters) {
    expected.insert(p.name);
    if (!file.find(p.name)) {
      throw WeightsError(file.path() + ": tensor \"" + p.name + "\" of " + network + " is missing");
    }
    const Tensor t = file.load(p.name);
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
    Value(p.value).mutable_data() = t.reshaped(p.value.shape());
  }
  for (const TensorEntry& e : file.entries()) {
    if (!expected.contains(e.name)) {
      throw WeightsError(file.path() + ": tensor \"" + e.name + "\" has no place in " + network);
    }
  }
}

}  // namespace tinct
