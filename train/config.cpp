// Reading and writing the configuration.
#include "train/config.h"

#include <toml++/toml.h>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <variant>

#include "core/text.h"
#include "train/config_keys.h"

namespace tinct {
namespace {

const std::string kFactors = "optim.lr_factors";

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string shown(const ConfigKey& key) {
  if (const auto* p = std::get_if<long*>(&key.target)) return std::to_string(**p);
  if (const auto* p = std::get_if<double*>(&key.target)) return number(**p);
  if (const auto* p = std::get_if<bool*>(&key.target)) return **p ? "true" : "false";
  return *std::get<std::string*>(key.target);
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw std::invalid_argument(where + ": " + what);
}

void check_range(const ConfigKey& key, double value, const std::string& where) {
  if (value >= key.least && value <= key.most && std::isfinite(value)) return;
  refuse(where, key.name + " = " + number(value) + " is out of range (" + number(key.least) +
                    (key.most == ConfigKey::kMost ? " or more)" : " to " + number(key.most) + ")"));
}

void check_choice(const ConfigKey& key, const std::string& value, const std::string& where) {
  if (key.choices.empty()) return;
  for (const std::string& choice : key.choices) {
    if (choice == value) return;
  }
  refuse(where, key.name + " = \"" + value + "\" is none of " + join(key.choices) +
                    did_you_mean(value, key.choices));
}

std::vector<std::string> key_names() {
  TrainConfig config;
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys(config)) names.push_back(key.name);
  return names;
}

ConfigKey find_key(TrainConfig& config, const std::string& name, const std::string& where) {
  for (ConfigKey& key : config_keys(config)) {
    if (key.name == name) return key;
  }
  refuse(where, "unknown key \"" + name + "\"" + did_you_mean(name, key_names()));
}

void set(const ConfigKey& key, const toml::node& node, const std::string& where) {
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
      for (const std::string& k : key_names()) {
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
toml::table parse_value(const ConfigKey& key, const std::string& value, const std::string& where) {
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
  for (const ConfigKey& key : config_keys(copy)) all.emplace_back(key.name, shown(key));
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
    const ConfigKey key{name, static_cast<double*>(nullptr), ""};
    set_factors(config, name.substr(kFactors.size() + 1),
                *parse_value(key, value, where).get("value"), where);
    return;
  }
  const ConfigKey key = find_key(config, name, where);
  set(key, *parse_value(key, value, where).get("value"), where);
}

std::string to_toml(const TrainConfig& config) {
  TrainConfig copy = config;
  std::string text, section;
  for (const ConfigKey& key : config_keys(copy)) {
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

}  // namespace tinct
