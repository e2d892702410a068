// The table of configuration keys, and reading and writing them.
#include "train/config.h"

#include <toml++/toml.h>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <variant>

#include "core/text.h"

namespace tinct {
namespace {

constexpr double kMost = std::numeric_limits<double>::infinity();
constexpr long kMany = 1'000'000'000;

struct Key {
  std::string name;
  std::variant<long*, double*, bool*, std::string*> target;
  std::string help;
  double least = -kMost, most = kMost;    // for numbers
  std::vector<std::string> choices = {};  // for strings; empty: any
};

const std::string kFactors = "optim.lr_factors";

std::vector<Key> keys(TrainConfig& c) {
  return {
      {"preset", &c.preset, "architecture, as `tinct models` lists it"},
      {"seed", &c.seed, "of weights, order and augmentation", 0, 9e15},

      {"model.chroma_gain", &c.model.chroma_gain,
       "predicted chroma is multiplied by this: squared error teaches too little colour", 0.01, 10},
      {"model.chroma_lift", &c.model.chroma_lift,
       "and then lengthened by up to this many units of ab, in every picture alike", 0, 100},
      {"model.temperature", &c.model.temperature,
       "of a binned head: 1 answers the mean of the colours, towards 0 the likeliest", 0.01, 10},
      {"model.vgg16", &c.model.vgg16,
       "vgg: weights that the backbone starts from; empty: those of tools/fetch-vgg16.sh"},
      {"model.finetune", &c.model.finetune,
       "vgg: factor on the backbone's learning rate; 0: it is frozen", 0, 1e3},
      {"model.dropout", &c.model.dropout, "vgg: of the backbone's taps", 0, 0.99},
      {"model.blocks", &c.model.blocks, "vgg: blocks of the backbone that are used", 4, 5},
      {"model.stride", &c.model.stride, "vgg: chroma is predicted at 1/1, 1/2 or 1/4", 1, 4},
      {"model.members", &c.model.members,
       "vgg: decoders that are trained side by side and averaged", 1, 64},
      {"model.widths", &c.model.widths,
       "vgg: channels taken from conv1_2, conv2_2, conv3_3, conv4_3, conv5_3"},
      {"model.bins",
       &c.model.bins,
       "vgg-unet-bins: data (of a grid of 10, those in use), grid (all) or zhang (313)",
       0,
       0,
       {"data", "grid", "zhang"}},
      {"model.bin_share", &c.model.bin_share,
       "vgg-unet-bins, data: least share of the training pixels", 0, 1},

      {"data.path", &c.data.path, "folder that `tinct prepare` wrote"},
      {"data.crop", &c.data.crop, "side of a training sample in pixels", 1, 8192},
      {"data.scale_min", &c.data.scale_min, "samples cover this fraction of the short side …", 1e-3,
       1},
      {"data.scale_max", &c.data.scale_max, "… to this", 1e-3, 1},
      {"data.flip", &c.data.flip, "mirror half of the samples"},
      {"data.fixed_crops", &c.data.fixed_crops,
       "0: a picture is cut anew in every epoch; K: in K ways, and what frozen layers make of them "
       "is computed once and kept (--cache)",
       0, 10000},
      {"data.source_power", &c.data.source_power,
       "1: every picture weighs the same, 0: every source does", 0, 1},
      {"data.overfit", &c.data.overfit, "train on this many pictures, unaugmented; 0: on all", 0,
       kMany},
      {"data.workers", &c.data.workers, "background threads that prepare batches", 1, 256},
      {"data.prefetch", &c.data.prefetch, "batches prepared ahead", 1, 1024},

      {"train.steps", &c.train.steps, "optimizer steps", 1, kMany},
      {"train.batch", &c.train.batch, "samples a forward pass", 1, 65536},
      {"train.accumulate", &c.train.accumulate, "batches whose gradients make one step", 1, 65536},
      {"train.clip", &c.train.clip, "largest global norm of the gradient; 0: no limit", 0, kMost},
      {"train.ema", &c.train.ema, "decay of the averaged weights, such as 0.999; 0: none", 0,
       0.999999999},
      {"train.checkpoint_every", &c.train.checkpoint_every, "steps; 0: at the end only", 0, kMany},
      {"train.keep", &c.train.keep, "newest checkpoints that stay", 1, kMany},
      {"train.validate_every", &c.train.validate_every, "steps; 0: at the end only", 0, kMany},
      {"train.validate_pictures", &c.train.validate_pictures,
       "of the validation split; 0: all of it", 0, kMany},
      {"train.validate_size", &c.train.validate_size, "their shorter side in pixels", 16, 8192},
      {"train.sample_every", &c.train.sample_every, "steps between sample sheets; 0: at the end", 0,
       kMany},
      {"train.samples", &c.train.samples, "pictures on a sample sheet; 0: no sheets", 0, 64},
      {"train.health_every", &c.train.health_every, "steps between health checks; 0: none", 0,
       kMany},

      {"optim.name", &c.optim.name, "sgd, adam or adamw", 0, 0, {"sgd", "adam", "adamw"}},
      {"optim.lr", &c.optim.lr, "learning rate", 0, 1e6},
      {"optim.momentum", &c.optim.momentum, "sgd", 0, 1},
      {"optim.nesterov", &c.optim.nesterov, "sgd"},
      {"optim.beta1", &c.optim.beta1, "adam, adamw", 0, 1},
      {"optim.beta2", &c.optim.beta2, "adam, adamw", 0, 1},
      {"optim.epsilon", &c.optim.epsilon, "adam, adamw", 0, 1e6},
      {"optim.epsilon_placement",
       &c.epsilon_placement,
       "torch: beside the corrected root; keras: beside the raw root",
       0,
       0,
       {"torch", "keras"}},
      {"optim.weight_decay", &c.optim.weight_decay, "per unit of learning rate (decoupled) or L2",
       0, 1e6},
      {"optim.decoupled", &c.optim.decoupled, "weight decay of sgd and adam; adamw always is"},
      {"optim.decay_everything", &c.optim.decay_everything, "also biases and normalisation"},

      {"schedule.name",
       &c.schedule.name,
       "constant, step, plateau or cosine",
       0,
       0,
       {"constant", "step", "plateau", "cosine"}},
      {"schedule.warmup", &c.schedule.warmup, "steps of linear warm-up", 0, kMany},
      {"schedule.minimum", &c.schedule.minimum, "cosine, plateau: least factor on the rate", 0, 1},
      {"schedule.every", &c.schedule.every, "step: steps between drops", 1, kMany},
      {"schedule.gamma", &c.schedule.gamma, "step, plateau: factor of a drop", 1e-9, 1},
      {"schedule.patience", &c.schedule.patience, "plateau: validations without improvement", 0,
       kMany},
      {"schedule.threshold", &c.schedule.threshold, "plateau: relative improvement that counts", 0,
       0.999},

      {"loss.name",
       &c.loss.name,
       "auto: l2, or what suits the preset (softmax_cross_entropy, blurred, dahl)",
       0,
       0,
       {"auto", "l2", "l1", "huber", "blurred", "dahl", "softmax_cross_entropy"}},
      {"loss.delta", &c.loss.delta, "huber: quadratic up to this, in units of ab / 110", 1e-9, 1e9},
      {"loss.neighbours", &c.loss.neighbours, "softmax_cross_entropy: bins of a soft target", 1,
       512},
      {"loss.sigma", &c.loss.sigma, "softmax_cross_entropy: width of a soft target", 1e-3, 1e3},
      {"loss.rebalance", &c.loss.rebalance, "softmax_cross_entropy: rare colours weigh more"},
      {"loss.uniform", &c.loss.uniform, "rebalance: share of the uniform distribution", 0, 1},

      {"about.licence", &c.about.licence, "carried in the weights' metadata"},
      {"about.origin", &c.about.origin, "carried in the weights' metadata"},
  };
}

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string shown(const Key& key) {
  if (const auto* p = std::get_if<long*>(&key.target)) return std::to_string(**p);
  if (const auto* p = std::get_if<double*>(&key.target)) return number(**p);
  if (const auto* p = std::get_if<bool*>(&key.target)) return **p ? "true" : "false";
  return *std::get<std::string*>(key.target);
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw std::invalid_argument(where + ": " + what);
}

void check_range(const Key& key, double value, const std::string& where) {
  if (value >= key.least && value <= key.most && std::isfinite(value)) return;
  refuse(where, key.name + " = " + number(value) + " is out of range (" + number(key.least) +
                    (key.most == kMost ? " or more)" : " to " + number(key.most) + ")"));
}

void check_choice(const Key& key, const std::string& value, const std::string& where) {
  if (key.choices.empty()) return;
  for (const std::string& choice : key.choices) {
    if (choice == value) return;
  }
  refuse(where, key.name + " = \"" + value + "\" is none of " + join(key.choices) +
                    did_you_mean(value, key.choices));
}

Key find_key(TrainConfig& config, const std::string& name, const std::string& where) {
  for (Key& key : keys(config)) {
    if (key.name == name) return key;
  }
  refuse(where, "unknown key \"" + name + "\"" + did_you_mean(name, config_keys()));
}

void set(const Key& key, const toml::node& node, const std::string& where) {
  if (auto* const* p = std::get_if<long*>(&key.target)) {
    if (!node.is_integer()) refuse(where, key.name + " must be a whole number");
    const auto value = *node.value<std::int64_t>();
    check_range(key, static_cast<double>(value), where);
    **p = value;
  } else if (auto* const* q = std::get_if<double*>(&key.target)) {
    if (!node.is_number()) refuse(where, key.name + " must be a number");
    const double value = *node.value<double>();
    check_range(key, value, where);
    **q = value;
  } else if (auto* const* b = std::get_if<bool*>(&key.target)) {
    if (!node.is_boolean()) refuse(where, key.name + " must be true or false");
    **b = *node.value<bool>();
  } else {
    if (!node.is_string()) refuse(where, key.name + " must be a string");
    const std::string value = *node.value<std::string>();
    check_choice(key, value, where);
    *std::get<std::string*>(key.target) = value;
  }
}

// A learning-rate factor; prefixes may hold dots, so that tables nest.
void set_factors(TrainConfig& config, const std::string& prefix, const toml::node& node,
                 const std::string& where) {
  if (const toml::table* table = node.as_table()) {
    for (const auto& [name, child] : *table) {
      set_factors(config, prefix.empty() ? std::string(name) : prefix + "." + std::string(name),
                  child, where);
    }
    return;
  }
  if (!node.is_number()) refuse(where, kFactors + "." + prefix + " must be a number");
  config.optim.lr_factors[prefix] = *node.value<double>();
}

void walk(TrainConfig& config, const std::string& prefix, const toml::table& table,
          const std::string& name) {
  for (const auto& [key, node] : table) {
    std::string full = prefix;
    full += key;
    const std::string where = name + ":" + std::to_string(node.source().begin.line);
    if (full == kFactors) {
      set_factors(config, "", node, where);
    } else if (const toml::table* inner = node.as_table()) {
      bool known = false;
      std::vector<std::string> sections;
      for (const std::string& k : config_keys()) {
        known = known || k.starts_with(full + ".");
        if (k.find('.') != std::string::npos) sections.push_back(k.substr(0, k.find('.')));
      }
      if (!known) refuse(where, "unknown section [" + full + "]" + did_you_mean(full, sections));
      walk(config, full + ".", *inner, name);
    } else {
      set(find_key(config, full, where), node, where);
    }
  }
}

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Whether the text is a value of TOML as it stands; a bare word is meant as a string.
toml::table parse_value(const Key& key, const std::string& value, const std::string& where) {
  if (std::holds_alternative<std::string*>(key.target)) {
    return toml::table{{"value", value}};
  }
  try {
    toml::table table = toml::parse("value = " + value);
    if (table.size() == 1) return table;
  } catch (const toml::parse_error&) {
  }
  refuse(where, "\"" + value + "\" is no value for " + key.name);
}

std::vector<std::pair<std::string, std::string>> assignments(const TrainConfig& config) {
  TrainConfig copy = config;
  std::vector<std::pair<std::string, std::string>> all;
  for (const Key& key : keys(copy)) all.emplace_back(key.name, shown(key));
  for (const auto& [prefix, factor] : config.optim.lr_factors) {
    all.emplace_back(join({kFactors, prefix}, "."), number(factor));
  }
  return all;
}

}  // namespace

void apply_toml(TrainConfig& config, const std::string& text, const std::string& name) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& e) {
    refuse(name + ":" + std::to_string(e.source().begin.line), std::string(e.description()));
  }
  walk(config, "", table, name);
}

void apply_override(TrainConfig& config, const std::string& assignment) {
  const std::string where = "-o " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) refuse(where, "expected key=value");
  const std::string name = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  if (name.starts_with(kFactors + ".")) {
    const Key key{name, static_cast<double*>(nullptr), ""};
    set_factors(config, name.substr(kFactors.size() + 1),
                *parse_value(key, value, where).get("value"), where);
    return;
  }
  const Key key = find_key(config, name, where);
  set(key, *parse_value(key, value, where).get("value"), where);
}

std::string to_toml(const TrainConfig& config) {
  TrainConfig copy = config;
  std::string text, section;
  for (const Key& key : keys(copy)) {
    const std::size_t dot = key.name.find('.');
    const std::string its = dot == std::string::npos ? "" : key.name.substr(0, dot);
    if (its != section) {
      if (section == "optim" && !config.optim.lr_factors.empty()) {
        text += "lr_factors = {";
        for (const auto& [prefix, factor] : config.optim.lr_factors) {
          text += (text.back() == '{' ? " " : ", ") + quoted(prefix) + " = " + number(factor);
        }
        text += " }  # on the rate of parameters whose names begin so\n";
      }
      text += "\n[" + its + "]\n";
      section = its;
    }
    const bool is_string = std::holds_alternative<std::string*>(key.target);
    std::string value = is_string ? quoted(shown(key)) : shown(key);
    text += (dot == std::string::npos ? key.name : key.name.substr(dot + 1)) + " = " + value +
            "  # " + key.help + "\n";
  }
  return text;
}

std::vector<std::string> differences(const TrainConfig& before, const TrainConfig& after) {
  const auto old_values = assignments(before);
  const auto new_values = assignments(after);
  std::vector<std::string> changes;
  const auto find = [](const auto& values, const std::string& name) -> std::string {
    for (const auto& [key, value] : values) {
      if (key == name) return value;
    }
    return "1";  // an absent learning-rate factor
  };
  for (const auto& [name, value] : new_values) {
    const std::string old_value = find(old_values, name);
    if (old_value != value) changes.push_back(join({name, ": ", old_value, " -> ", value}, ""));
  }
  for (const auto& [name, value] : old_values) {
    if (name.starts_with(kFactors) && find(new_values, name) == "1" && value != "1") {
      changes.push_back(join({name, ": ", value, " -> 1"}, ""));
    }
  }
  return changes;
}

std::string command_line(const TrainConfig& config, const std::string& data) {
  const auto defaults = assignments(TrainConfig{});
  std::string command = "tinct train --preset " + config.preset + " --data " + data;
  for (const auto& [key, value] : assignments(config)) {
    if (key == "preset" || key == "data.path") continue;
    bool same = false;
    for (const auto& other : defaults) same = same || (other.first == key && other.second == value);
    if (same) continue;
    const bool plain = value.find_first_of(" '\"$\\;&|<>()*?#~`") == std::string::npos;
    command += " -o " + key + "=" + (plain ? value : "'" + value + "'");
  }
  return command;
}

std::vector<std::string> config_keys() {
  TrainConfig config;
  std::vector<std::string> names;
  for (const Key& key : keys(config)) names.push_back(key.name);
  return names;
}

OptimizerOptions optimizer_options(const TrainConfig& config) {
  OptimizerOptions options = config.optim;
  options.epsilon_placement =
      config.epsilon_placement == "keras" ? AdamEpsilon::raw : AdamEpsilon::corrected;
  if (config.model.finetune > 0) options.lr_factors.emplace("vgg.", config.model.finetune);
  return options;
}

ScheduleOptions schedule_options(const TrainConfig& config) {
  ScheduleOptions options = config.schedule;
  options.total = config.train.steps;
  return options;
}

ModelOptions model_options(const TrainConfig& config) {
  const TrainConfig::Network& n = config.model;
  ModelOptions options;
  options.finetune = n.finetune > 0;
  options.dropout = static_cast<float>(n.dropout);
  options.blocks = static_cast<std::size_t>(n.blocks);
  options.stride = static_cast<std::size_t>(n.stride);
  options.members = static_cast<std::size_t>(n.members);
  const char* at = n.widths.data();
  const char* end = at + n.widths.size();
  for (std::size_t i = 0; i < options.widths.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, options.widths[i]);
    const bool last = i + 1 == options.widths.size();
    if (error != std::errc{} || (last ? next != end : next == end || *next != ',')) {
      throw std::invalid_argument("model.widths = \"" + n.widths +
                                  "\": five whole numbers are needed, separated by commas");
    }
    at = last ? next : next + 1;
  }
  return options;
}

}  // namespace tinct
