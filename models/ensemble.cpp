// Several trained colorizers on one frozen backbone, as one model that answers with their mean.
#include "models/ensemble.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "core/error.h"
#include "layers/add.h"
#include "layers/annealed_mean.h"
#include "layers/bilinear_upsample.h"
#include "layers/scale.h"

namespace tinct {
namespace {

// The tap that shows a binned part's answer.
std::string logits_of(std::size_t part) {
  return part_prefix(part) + "logits";
}

bool of_backbone(const std::string& name) {
  return name.starts_with("vgg.");
}

// A part's output as network units of ab, at the picture's size.
Value chroma(const ModelInfo& info, const Value& output, std::size_t h, std::size_t w) {
  if (info.head == Head::regression) return output;
  const Value ab = annealed_mean(output, info.bins, info.temperature);
  return bilinear_upsample(scale(ab, 1 / kChromaScale), h, w);
}

// What the parts must agree in, to read one backbone: "0,24,48,96,96" reads all taps but the first.
std::string reading(const Metadata& settings) {
  std::string out;
  for (const char* key : {"backbone", "preprocessing", "width_divisor", "blocks", "stride"}) {
    const auto found = settings.find(key);
    out += found == settings.end() ? "?;" : found->second + ";";
  }
  const auto widths = settings.find("widths");
  if (widths == settings.end()) return out;
  std::string text = widths->second + ",";
  for (std::size_t at = 0; at < text.size(); at = text.find(',', at) + 1) {
    out += text.compare(at, 2, "0,") == 0 ? '0' : '1';
  }
  return out;
}

// The member of "member3.head.weight": 3; 0 for what belongs to none.
std::size_t member_of(const std::string& name) {
  return name.starts_with("member") ? std::strtoul(name.c_str() + 6, nullptr, 10) : 0;
}

std::size_t members_of(const Model& model) {
  std::size_t members = 1;
  for (const Parameter& p : model.parameters) members = std::max(members, member_of(p.name));
  return members;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.f32(), b.f32(), a.bytes()) == 0;
}

// What the parts' files say alike, and the merged one says for all of them.
void copy_common(const Metadata& from, Metadata& to) {
  static const std::set<std::string> common = {
      "preprocessing", "width_divisor", "format", "format_version",      "input",
      "layout",        "licence",       "origin", "train_colourfulness", "tinct_version"};
  for (const auto& [key, value] : from) {
    if (key.starts_with("backbone") || common.count(key)) to[key] = value;
  }
}

// Throws WeightsError unless the file's model can be a part.
Model load_part(const SafetensorsFile& file) {
  const auto preset = file.metadata().find("preset");
  if (preset == file.metadata().end() || !preset->second.starts_with("vgg-unet")) {
    throw WeightsError(file.path() + ": not a vgg-unet that `tinct train` wrote: only those merge");
  }
  Model part = load_model(file.path());
  if (part.info.chroma_gain != 1 || part.info.chroma_lift != 0) {
    throw WeightsError(file.path() +
                       ": changes its answers by a chroma_gain or chroma_lift, which a mean cannot "
                       "keep: export it with --gain 1 --lift 0, and give them to the merged model");
  }
  return part;
}

}  // namespace

std::string part_prefix(std::size_t part) {
  return "part" + std::to_string(part + 1) + ".";
}

Model make_ensemble(std::vector<Model> parts) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument("make_ensemble: " + what);
  };
  require(parts.size() >= 2, "two parts at least are needed");
  Model model;
  model.info.preset = kEnsemble;
  model.info.multiple = parts[0].info.multiple;
  model.info.settings = {{"parts", std::to_string(parts.size())}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Model& part = parts[i];
    require(part.frozen && part.forward_from, "part " + part.info.preset + " froze no backbone");
    require(part.info.space == ChromaSpace::lab,
            "part " + part.info.preset + " predicts no CIELAB");
    require(reading(part.info.settings) == reading(parts[0].info.settings),
            "the parts read different taps of the backbone, or different backbones");
    for (const auto& [key, value] : describe(part)) {
      model.info.settings[part_prefix(i) + key] = value;
    }
    if (part.info.head == Head::binned) model.info.logits.push_back(logits_of(i));
    for (const Parameter& p : part.parameters) {
      if (!of_backbone(p.name)) {
        model.parameters.push_back({part_prefix(i) + p.name, p.value, p.buffer});
      } else if (i == 0) {
        model.parameters.push_back(p);
      }
    }
  }
  for (const char* key :
       {"backbone", "preprocessing", "width_divisor", "backbone_origin", "backbone_licence"}) {
    const auto found = parts[0].info.settings.find(key);
    if (found != parts[0].info.settings.end()) model.info.settings.insert(*found);
  }
  model.forward = [parts = std::move(parts)](const Value& x, const Mode& mode, Taps* taps) {
    if (mode.training) {
      throw std::invalid_argument("an ensemble is merged from trained models, not trained itself");
    }
    const std::vector<Value> seen = parts[0].frozen(x);
    Value sum;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Value output = parts[i].forward_from(x, seen, mode);
      const Value y = chroma(parts[i].info, output, x.shape().h, x.shape().w);
      if (taps && parts[i].info.head == Head::binned) {
        taps->emplace_back(logits_of(i), output.data());
      }
      if (taps) taps->emplace_back(part_prefix(i) + "chroma", y.data());
      sum = i == 0 ? y : add(sum, y);
    }
    return scale(sum, 1.0f / static_cast<float>(parts.size()));
  };
  return model;
}

void merge_models(const std::vector<std::string>& paths, const std::string& out,
                  std::size_t members) {
  if (members < 2) throw std::invalid_argument("merge_models: two members at least are kept");
  NamedTensors tensors;
  Metadata metadata = {{"parts", std::to_string(paths.size())}};
  std::map<std::string, Tensor> backbone;
  std::string taps;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const SafetensorsFile file(paths[i]);
    const Model part = load_part(file);
    if (i == 0) {
      taps = reading(part.info.settings);
      copy_common(file.metadata(), metadata);
    } else if (reading(part.info.settings) != taps) {
      throw WeightsError(paths[i] + ": reads other taps of the backbone than " + paths[0]);
    }
    const std::size_t kept = std::min(members_of(part), members);
    for (const auto& [key, value] : file.metadata()) metadata[part_prefix(i) + key] = value;
    metadata[part_prefix(i) + "members"] = std::to_string(kept);
    for (const Parameter& p : part.parameters) {
      if (!of_backbone(p.name)) {
        if (member_of(p.name) <= kept)
          tensors.emplace_back(part_prefix(i) + p.name, p.value.data());
      } else if (i == 0) {
        backbone.emplace(p.name, p.value.data());
        tensors.emplace_back(p.name, p.value.data());
      } else if (!backbone.count(p.name) || !same_bits(p.value.data(), backbone.at(p.name))) {
        throw WeightsError(paths[i] + ": " + p.name + " is not that of " + paths[0] +
                           ": models are merged on one frozen backbone");
      }
    }
  }
  metadata["preset"] = kEnsemble;
  metadata["head"] = "regression";
  metadata["output"] = "CIELAB ab / 110";
  write_safetensors(out, tensors, metadata);
}

}  // namespace tinct
