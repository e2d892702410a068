// tinct op: runs one operation on given tensors, to hold it against another framework.
#include "tools/op.h"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/error.h"
#include "tools/verb.h"

namespace tinct {
namespace {

const char* name_of(SettingKind kind) {
  switch (kind) {
    case SettingKind::flag:
      return "flag";
    case SettingKind::number:
      return "number";
    case SettingKind::count:
      return "count";
    case SettingKind::pair:
      return "h,w";
    case SettingKind::sides:
      return "top,left,bottom,right";
    case SettingKind::counts:
      return "counts";
    case SettingKind::choice:
      return "choice";
  }
  return "";
}

nlohmann::json to_json(const Operation& operation) {
  nlohmann::json tensors = nlohmann::json::array();
  nlohmann::json outputs = {"y"};
  for (const OpTensor& t : operation.tensors) {
    const bool gradient = operation.differentiable && t.differentiable;
    tensors.push_back({{"name", t.name},
                       {"shape", t.shape},
                       {"optional", t.optional},
                       {"differentiable", gradient}});
    if (!t.alias.empty()) tensors.back()["alias"] = t.alias;
    if (gradient) outputs.push_back("d" + t.name);
  }
  nlohmann::json settings = nlohmann::json::array();
  for (const OpSetting& s : operation.settings) {
    settings.push_back(
        {{"name", s.name},
         {"kind", name_of(s.kind)},
         {"default", s.fallback.empty() ? nlohmann::json() : nlohmann::json(s.fallback)},
         {"help", s.help}});
    if (!s.choices.empty()) settings.back()["choices"] = s.choices;
  }
  return {{"name", operation.name}, {"summary", operation.summary},
          {"tensors", tensors},     {"settings", settings},
          {"outputs", outputs},     {"differentiable", operation.differentiable}};
}

void print(const Operation& operation) {
  std::printf("%s: %s\n", operation.name.c_str(), operation.summary.c_str());
  for (const OpTensor& t : operation.tensors) {
    std::printf("  %-14s %-22s%s%s\n", t.name.c_str(), t.shape.c_str(),
                t.optional ? " optional" : "",
                operation.differentiable && t.differentiable ? ("  -> d" + t.name).c_str() : "");
  }
  for (const OpSetting& s : operation.settings) {
    std::string values;
    for (const std::string& choice : s.choices) values += (values.empty() ? "" : "|") + choice;
    if (values.empty()) values = name_of(s.kind);
    std::printf("  --set %s=%s", s.name.c_str(), values.c_str());
    if (!s.fallback.empty()) std::printf(" (%s)", s.fallback.c_str());
    const bool told = s.help.empty() || s.help.rfind(values, 0) == 0;
    std::printf("%s%s\n", told ? "" : "  ", told ? "" : s.help.c_str());
  }
}

void list(const std::string& name) {
  if (common().json) {
    nlohmann::json all = nlohmann::json::array();
    for (const Operation& operation : operations()) {
      if (name.empty() || operation.name == name) all.push_back(to_json(operation));
    }
    std::cout << (name.empty() ? all : all.at(0)).dump(2) << '\n';
    return;
  }
  for (const Operation& operation : operations()) {
    if (name.empty() || operation.name == name) print(operation);
  }
}

NamedTensors load(const Operation& operation, const SafetensorsFile& file) {
  NamedTensors tensors;
  for (const TensorEntry& entry : file.entries()) {
    Tensor tensor = file.load(entry.name);
    if (operation.rows && entry.extents.size() == 2) {
      tensor = tensor.reshaped({entry.extents[0], 1, 1, entry.extents[1]});
    }
    tensors.emplace_back(entry.name, std::move(tensor));
  }
  return tensors;
}

void run(const std::string& name, const std::string& input, const std::string& output,
         const std::vector<std::string>& settings, Device device) {
  const Operation& operation = find_operation(name);
  const SafetensorsFile file(input);
  const NamedTensors inputs = load(operation, file);
  const auto start = std::chrono::steady_clock::now();
  const NamedTensors outputs = run_operation(operation, inputs, settings, device);
  const std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  Metadata metadata = {{"op", name}};
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    metadata[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  // A gradient, or a statistic that moved, has the extents of what it belongs to.
  std::map<std::string, std::vector<std::size_t>> extents;
  for (const TensorEntry& entry : file.entries()) {
    if (entry.name != "dy") extents["d" + entry.name] = entry.extents;
    extents[entry.name] = entry.extents;
  }
  write_safetensors(output, outputs, metadata, extents);
  if (common().json) {
    nlohmann::json shapes = nlohmann::json::object();
    for (const auto& [key, tensor] : outputs) {
      const Shape& s = tensor.shape();
      shapes[key] = {s.n, s.h, s.w, s.c};
    }
    std::cout << nlohmann::json{{"op", name},
                                {"output", output},
                                {"outputs", shapes},
                                {"ms", elapsed.count()}}
                     .dump()
              << '\n';
    return;
  }
  for (const auto& [key, tensor] : outputs) {
    std::printf("%s %s\n", key.c_str(), to_string(tensor.shape()).c_str());
  }
}

struct Options {
  std::string name, input, output;
  Computing computing;
  std::vector<std::string> settings;
  bool list = false;
};

}  // namespace

void add_op(CLI::App& app) {
  Verb verb = add_verb(
      app, "op", "Run one operation, forward and backward, on the tensors of a safetensors file",
      {"tinct op --list", "tinct op conv2d --list --json",
       "tinct op conv2d --input in.safetensors -o out.safetensors --set stride=2,2 pad=1,1,1,1"});
  auto o = std::make_shared<Options>();
  verb.add_option("NAME", o->name, "The operation; --list names them");
  verb.add_option("--input", o->input,
                  "Its tensors: x, w, b, ... in (n,h,w,c), weights (out,kh,kw,in); with dy also "
                  "the gradients are written")
      .type_name("FILE");
  verb.add_option("-o,--output", o->output, "Where y, dx, dw, db, ... go").type_name("FILE");
  verb.add_option("--set", o->settings, "Settings of the operation, such as stride=2,2")
      .type_name("KEY=VALUE");
  add_computing_options(verb, o->computing);
  verb.add_flag("--list", o->list, "Name every operation with its tensors and settings");
  verb.callback([o] {
    if (!o->name.empty()) find_operation(o->name);
    if (o->list) return list(o->name);
    if (o->name.empty()) throw std::invalid_argument("op: name an operation, or ask for --list");
    if (o->input.empty()) throw std::invalid_argument("op: --input FILE is missing");
    if (o->output.empty()) throw std::invalid_argument("op: -o FILE is missing");
    run(o->name, o->input, o->output, o->settings, begin_computing(o->computing));
  });
}

}  // namespace tinct
